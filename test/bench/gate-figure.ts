import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { node, until } from '../fixtures/terminal.ts'
import type { Bench } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { checksPerRound } from './gate-round.ts'
import { compare } from './measure.ts'

type Peer = 'daemon' | 'echo'

/** Gate checks by one client, one after another, over the round trips that a socket gives without a gate. */
export function gateFigure(bench: Bench): Promise<Figure> {
  return figureOf(bench, { name: 'gate checks by one client', clients: 1, target: 5000, rounds: 20 })
}

/** The same by sixteen processes at once, as by `xargs -P16`. */
export function parallelGateFigure(bench: Bench): Promise<Figure> {
  return figureOf(bench, { name: 'gate checks by 16 clients', clients: 16, target: 8000, rounds: 10 })
}

interface Plan {
  readonly name: string
  readonly clients: number
  readonly target: number
  readonly rounds: number
}

async function figureOf(bench: Bench, plan: Plan): Promise<Figure> {
  const echo = await echoServer(bench)
  const clients = await Promise.all(Array.from({ length: plan.clients }, () => startClient(bench, echo)))
  try {
    const round = async (peer: Peer): Promise<void> => {
      await Promise.all(clients.map((client) => client.round(peer)))
    }
    const { a, b, rounds } = await compare(
      () => round('daemon'),
      () => round('echo'),
      plan,
    )
    const perSecond = (ms: number): number => (checksPerRound * plan.clients * 1000) / ms
    const baseline = { name: 'a node that always says yes', value: perSecond(b), unit: '/s' }
    const { name, target } = plan
    return { name, value: perSecond(a), unit: '/s', baseline, target, better: 'at least', rounds }
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}

export async function echoServer({ home }: Bench): Promise<string> {
  const echo = join(home.root, 'echo.sock')
  if (!existsSync(echo)) home.start(node, [join(import.meta.dirname, 'echo-server.ts'), echo])
  await until('the echo server', () => existsSync(echo))
  return echo
}

interface Client {
  round(peer: Peer): Promise<void>
  end(): Promise<void>
}

/** Ready when it has asked once: the start of a runtime is not what is timed. */
export async function startClient({ home, nothingPath }: Bench, echo: string): Promise<Client> {
  const daemon = readFileSync(join(home.guardHome, 'state', 'daemon.lock'), 'utf8').trim()
  const program = join(import.meta.dirname, 'gate-client.ts')
  const child = spawn(node, [program, daemon, echo, home.home, nothingPath], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const round = async (peer: Peer): Promise<void> => {
    child.stdin.write(`${peer}\n`)
    const { done } = await lines.next()
    if (done === true) throw new Error('the gate’s client ended')
  }
  const end = async (): Promise<void> => {
    child.stdin.end()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  await round('daemon')
  return { round, end }
}
