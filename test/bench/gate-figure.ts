import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { encodeRequest } from '../../src/protocol/frame.ts'
import type { RequestOf } from '../../src/protocol/messages.ts'
import { node, until } from '../fixtures/terminal.ts'
import { DaemonClient } from './daemon-client.ts'
import type { Bench } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { compare } from './measure.ts'

const checksPerRound = 500

/** Gate checks by one client, one after another, over the round trips that a socket gives without a gate. */
export async function gateFigure({ home, nothingPath }: Bench): Promise<Figure> {
  const request: RequestOf<'gate.check'> = {
    argv: ['kubectl', 'get', 'nodes'].map((argument) => Buffer.from(argument)),
    cwd: Buffer.from(home.home),
    path: Buffer.from(nothingPath),
    home: Buffer.from(home.home),
    inCluster: false,
    ttys: 0,
    mayAsk: false,
    asked: false,
  }
  await checkAllowed(home, request)
  // Two by turns: a client that comes again with the same arguments is behind another shim, and is sent on.
  const frames = ['pods', 'services'].map((kind) =>
    encodeRequest('gate.check', { ...request, argv: ['kubectl', 'get', kind].map((word) => Buffer.from(word)) }),
  )
  const echo = join(home.root, 'echo.sock')
  home.start(node, [join(import.meta.dirname, 'echo-server.ts'), echo])
  await until('the echo server', () => existsSync(echo))
  const clients = { a: await DaemonClient.toDaemonOf(home), b: await DaemonClient.to(echo) }
  const inTurn = async (client: DaemonClient): Promise<void> => {
    for (let count = 0; count < checksPerRound; count += frames.length) {
      for (const frame of frames) await client.exchange(frame)
    }
  }
  const { a, b, rounds } = await compare(
    () => inTurn(clients.a),
    () => inTurn(clients.b),
    { rounds: 20 },
  )
  for (const client of Object.values(clients)) client.close()
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

/** A refusal would be fast too; it is not what is being timed. */
async function checkAllowed(home: Bench['home'], request: RequestOf<'gate.check'>): Promise<void> {
  const client = await DaemonClient.toDaemonOf(home)
  const { verdict, message } = await client.ask('gate.check', request)
  client.close()
  if (verdict !== 'allow') throw new Error(`the gate says ${verdict}: ${message ?? ''}`)
}
