/**
 * A client of the gate in a process of its own: a lock may end whoever was let through. Arguments: the daemon's
 * socket, the echo server's, HOME, PATH. Each line of input, `daemon` or `echo`, is answered by one when a
 * round of checks is through.
 */
import { createInterface } from 'node:readline'
import { encodeRequest } from '../../src/protocol/frame.ts'
import { DaemonClient } from './daemon-client.ts'
import { checksPerRound } from './gate-round.ts'

const [daemonSocket = '', echoSocket = '', home = '', path = ''] = process.argv.slice(2)

const requestFor = (kind: string) => ({
  argv: ['kubectl', 'get', kind].map((word) => Buffer.from(word)),
  cwd: Buffer.from(home),
  path: Buffer.from(path),
  home: Buffer.from(home),
  inCluster: false,
  ttys: 0,
  mayAsk: false,
  asked: false,
  mayWait: false,
  waits: false,
})

const clients = { daemon: await DaemonClient.to(daemonSocket), echo: await DaemonClient.to(echoSocket) }
// A refusal would be fast too; it is not what is being timed.
const { verdict, message } = await clients.daemon.ask('gate.check', requestFor('nodes'))
if (verdict !== 'allow') throw new Error(`the gate says ${verdict}: ${message ?? ''}`)
// Two by turns: a client that comes again with the same arguments is behind another shim, and is sent on.
const frames = ['pods', 'services'].map((kind) => encodeRequest('gate.check', requestFor(kind)))

for await (const line of createInterface({ input: process.stdin })) {
  const client = line === 'daemon' ? clients.daemon : clients.echo
  for (let count = 0; count < checksPerRound; count += frames.length) {
    for (const frame of frames) await client.exchange(frame)
  }
  console.log('through')
}
for (const client of Object.values(clients)) client.close()
