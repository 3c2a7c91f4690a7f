import { GuardError } from '../domain/errors.ts'
import { dirs } from '../platform/dirs.ts'
import type { MessageName, ReplyOf, RequestOf } from '../protocol/messages.ts'
import { peerOf } from '../platform/peer.ts'
import { connectTo, reachDaemon } from './connect.ts'
import { askOn, exchange } from './exchange.ts'
import { goneWithin, startOf } from './process-end.ts'
import { startDaemon } from './start-daemon.ts'

const usualAnswerMs = 30_000

/** Requests that end processes, start a keeper, run a scribe or derive a key. */
const longAnswerMs: Partial<Record<MessageName, number>> = {
  'session.lock': 60_000,
  'session.unlock': 60_000,
  'client.end': 60_000,
  'vault.open': 60_000,
  'kubeconfig.adopt': 120_000,
  'kubeconfig.sweep': 120_000,
  'journal.verify': 120_000,
  'daemon.stop': 60_000,
  'keeper.open': 120_000,
}

export interface CallOptions {
  /** Longest wait for the answer; each message has its own. */
  readonly answerMs?: number
  /** `false`: fail where no daemon is running, instead of starting one. */
  readonly start?: boolean
}

/**
 * Asks the daemon, on a connection of its own; starts the daemon once where none is running.
 * @throws GuardError what the daemon refused with, code, message, cure and exit code; `daemon-unreachable`,
 *   `version-mismatch`, `place-unsafe`, `protocol-error` when it did not come to that.
 */
export async function callDaemon<Name extends MessageName>(
  name: Name,
  request: RequestOf<Name>,
  options: CallOptions = {},
): Promise<ReplyOf<Name>> {
  const found = dirs()
  for (let left = options.start === false ? 0 : mostReplaced; ; left -= 1) {
    const socket =
      (await reachDaemon(found)) ?? (options.start === false ? undefined : await startDaemon(found))
    if (socket === undefined) throw notRunning()
    const { pid } = peerOf(socket)
    const startTicks = startOf(pid)
    try {
      return await exchange(socket, 'daemon', name, request, answerTime(name, options))
    } catch (error) {
      if (left === 0 || !(await makesWay(error, pid, startTicks))) throw error
    }
  }
}

/** Of an update one daemon is met at most, and perhaps another that a client of the old version has started. */
const mostReplaced = 2
const makesWayMs = 10_000
/** A daemon of another version ends at once where everything is locked, and says nothing of it. */
const mayMakeWayMs = 1_000

/** How long the threads of a daemon that was killed may need on a machine that has other things to do. */
const dyingMs = 2_000

/**
 * Did a daemon refuse because another version is installed by now, and has it ended for that one? Or was it killed just
 * now: its socket takes connections until its last thread is gone, and nobody reads them.
 */
async function makesWay(error: unknown, pid: number, startTicks: number | undefined): Promise<boolean> {
  if (!(error instanceof GuardError)) return false
  if (error.code === 'daemon-replaced') return goneWithin(pid, startTicks, makesWayMs)
  if (error.code === 'daemon-unreachable') return goneWithin(pid, startTicks, dyingMs)
  return error.code === 'version-mismatch' && goneWithin(pid, startTicks, mayMakeWayMs)
}

/**
 * Asks a keeper, at the socket that the daemon named.
 * @throws GuardError as `callDaemon`; `ticket-refused` where the keeper is gone already.
 */
export async function callKeeper<Name extends 'keeper.open' | 'keeper.issue' | 'keeper.fetch'>(
  socketPath: string | Buffer,
  name: Name,
  request: RequestOf<Name>,
  options: { readonly answerMs?: number } = {},
): Promise<ReplyOf<Name>> {
  const socket = await connectTo(socketPath.toString(), 'keeper')
  if (socket === undefined) throw keeperGone()
  return exchange(socket, 'keeper', name, request, answerTime(name, options))
}

/** One connection to a keeper, for as many requests as the keeper answers on it. */
export interface KeeperLine {
  /** @throws GuardError as `callKeeper` */
  ask<Name extends 'keeper.open' | 'keeper.answer' | 'keeper.issue' | 'keeper.share' | 'keeper.deliver'>(
    name: Name,
    request: RequestOf<Name>,
  ): Promise<ReplyOf<Name>>
  /** Resolves when the keeper has closed it. */
  readonly gone: Promise<void>
  close(): void
}

/**
 * @param answerMs longest wait for each answer
 * @throws GuardError as `callKeeper`
 */
export async function reachKeeper(socketPath: Buffer, answerMs: number): Promise<KeeperLine> {
  const socket = await connectTo(socketPath.toString(), 'keeper')
  if (socket === undefined) throw keeperGone()
  return {
    ask: (name, request) => askOn(socket, 'keeper', name, request, answerMs),
    gone: new Promise((resolve) => {
      socket.once('close', () => resolve())
    }),
    close: () => socket.destroy(),
  }
}

const keeperGone = (): GuardError =>
  new GuardError('ticket-refused', 'the keeper is gone: the session was locked')

/** Is a daemon of ours listening? Starts none. @throws GuardError `place-unsafe`, `daemon-unreachable` */
export async function daemonIsRunning(): Promise<boolean> {
  const socket = await reachDaemon(dirs())
  socket?.destroy()
  return socket !== undefined
}

function answerTime(name: MessageName, options: CallOptions): number {
  return options.answerMs ?? longAnswerMs[name] ?? usualAnswerMs
}

function notRunning(): GuardError {
  return new GuardError('daemon-unreachable', 'the daemon is not running', {
    cure: 'run: kubeguard daemon start',
  })
}
