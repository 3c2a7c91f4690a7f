import { constants } from 'node:os'
import { Socket } from 'node:net'
import { hardenProcess } from '../hardening/harden-process.ts'
import { KeeperChannel } from '../platform/keepers/channel.ts'
import { readHello, writeHello } from '../platform/keepers/hello.ts'
import { prctl, prctlOption } from '../platform/libc.ts'
import { inspectProcess } from '../platform/processes/inspect.ts'
import { trustAuthorities } from '../platform/trusted-authorities.ts'
import { decodeRequest } from '../protocol/frame.ts'
import { Gateway } from './gateway.ts'
import { parseHeld, parseOrder } from './order.ts'
import { LocalPeers } from './peers.ts'
import { RequestLog } from './request-log.ts'

/** The keeper's end of the socket pair. */
const lineFd = 3

/** What the last words may take: whoever does not read them does without. */
const partingMs = 30

/**
 * Stands between the clients of one session and their API servers. It lives as long as its keeper: the end of the line
 * is the lock.
 */
async function main(): Promise<void> {
  hardenProcess()
  process.umask(0o077)
  // One that was stopped (SIGSTOP) when its keeper ended goes on, and hears of it.
  prctl(prctlOption.setPdeathsig, constants.signals.SIGCONT)
  const line = new Socket({ fd: lineFd, readable: true, writable: true })
  const order = parseOrder(await readHello(line))
  trustAuthorities(undefined)
  const requests = new RequestLog({
    nowMs: () => performance.now(),
    tell: (record) => channel.tell('gateway.request', record),
  })
  const gateway = new Gateway(order, { wallMs: () => Date.now(), peers: new LocalPeers(), requests })
  const channel: KeeperChannel = new KeeperChannel(line, {
    'gateway.hold': (body) => {
      gateway.hold(parseHeld(JSON.parse(decodeRequest('gateway.hold', body).credential.toString())))
      return {}
    },
    'gateway.admit': (body) => {
      const { digest, credential, pid, startTicks, untilWallMs } = decodeRequest('gateway.admit', body)
      const program = inspectProcess(pid)?.program ?? ''
      gateway.admit(digest, { credential, client: { pid, startTicks }, program, untilWallMs })
      return {}
    },
    'gateway.narrow': (body) => {
      const stay = new Set(decodeRequest('gateway.narrow', body).clients)
      gateway.narrow(({ pid, startTicks }) => stay.has(`${pid}:${startTicks}`))
      return {}
    },
  })
  channel.onClose(() => leave(gateway))
  writeHello(line, await listening(gateway))
  line.resume()
}

async function listening(gateway: Gateway): Promise<{ port: number } | { failure: string }> {
  try {
    return { port: await gateway.listen() }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { failure: code === 'EADDRINUSE' ? 'another program has its port' : `it can’t listen (${code})` }
  }
}

/** The connections end with the process, all at once: to take each down in order takes longer than to tell its client. */
function leave(gateway: Gateway): void {
  const exit = (): never => process.exit(0)
  setTimeout(exit, partingMs)
  // What was just written goes out with the end of this turn.
  void gateway.end().then(() => setImmediate(exit))
}

/** What goes wrong unforeseen is told by its kind and place alone: its text might quote a secret. */
function fail(error: unknown): never {
  const { name, code, stack } = error as NodeJS.ErrnoException
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  process.stderr.write(`gateway: ${name} ${code ?? ''}\n${frames.join('\n')}\n`)
  process.exit(1)
}

process.on('uncaughtException', fail)
void main().catch(fail)
