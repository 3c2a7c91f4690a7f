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

/** Gate checks by one client, one after another, over the round trips that a socket gives without a gate. */
export async function gateFigure({ home, nothingPath }: Bench): Promise<Figure> {
  const daemon = readFileSync(join(home.guardHome, 'state', 'daemon.lock'), 'utf8').trim()
  const echo = join(home.root, 'echo.sock')
  home.start(node, [join(import.meta.dirname, 'echo-server.ts'), echo])
  await until('the echo server', () => existsSync(echo))
  const client = spawn(
    node,
    [join(import.meta.dirname, 'gate-client.ts'), daemon, echo, home.home, nothingPath],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]()
  const round = async (peer: 'daemon' | 'echo'): Promise<void> => {
    client.stdin.write(`${peer}\n`)
    const { done } = await lines.next()
    if (done === true) throw new Error('the gate’s client ended')
  }
  const { a, b, rounds } = await compare(
    () => round('daemon'),
    () => round('echo'),
    { rounds: 20 },
  )
  client.stdin.end()
  await once(client, 'exit')
  const perSecond = (ms: number): number => (checksPerRound * 1000) / ms
  const baseline = { name: 'a node that always says yes', value: perSecond(b), unit: '/s' }
  return {
    name: 'gate checks by one client',
    value: perSecond(a),
    unit: '/s',
    baseline,
    target: 5000,
    better: 'at least',
    rounds,
  }
}
