import type { Socket } from 'node:net'
import { GuardError } from '../domain/errors.ts'
import { dirs } from '../platform/dirs.ts'
import { peerOf } from '../platform/peer.ts'
import { reachDaemon } from './connect.ts'
import { exchange } from './exchange.ts'
import { goneWithin, readProc, startOf } from './process-end.ts'

/** Locking ends every live process first: their grace is 2 s, and there may be many. */
const politeMs = 20_000
const termMs = 5_000
const killMs = 5_000

/** What is wrong with a daemon that may be ended by a signal instead: it can't be talked to. */
const pastTalking = new Set(['version-mismatch', 'protocol-error', 'daemon-unreachable', 'internal'])

export interface Stopped {
  /** The daemon's process; absent when none was running. */
  readonly pid?: number
  readonly how: 'not-running' | 'asked' | 'signalled'
}

/**
 * Locks everything and ends the daemon, whatever protocol it speaks and also where it hangs; resolves when
 * its process is gone.
 * @param limits waits in ms: for the answer, after SIGTERM, after SIGKILL.
 * @throws GuardError `daemon-unreachable` when it can't be ended, or is not our daemon.
 */
export async function stopDaemon(limits: { politeMs?: number; termMs?: number } = {}): Promise<Stopped> {
  const socket = await reachDaemon(dirs())
  if (socket === undefined) return { how: 'not-running' }
  const { pid } = peerOf(socket)
  const startTicks = startOf(pid)
  const how = (await askToStop(socket, limits.politeMs ?? politeMs)) ? 'asked' : 'signalled'
  if (how === 'signalled') await signal(pid, startTicks, limits.termMs ?? termMs)
  else if (!(await goneWithin(pid, startTicks, termMs)))
    await signal(pid, startTicks, limits.termMs ?? termMs)
  return { pid, how }
}

async function askToStop(socket: Socket, answerMs: number): Promise<boolean> {
  try {
    await exchange(socket, 'daemon', 'daemon.stop', {}, answerMs)
    return true
  } catch (error) {
    if (error instanceof GuardError && pastTalking.has(error.code)) return false
    throw error
  }
}

/** CONT: a stopped process takes no TERM. Its keepers end with it, however it ends. */
async function signal(pid: number, startTicks: number | undefined, waitMs: number): Promise<void> {
  if (startTicks === undefined || startOf(pid) !== startTicks) return
  checkIsDaemon(pid)
  send(pid, 'SIGTERM')
  send(pid, 'SIGCONT')
  if (await goneWithin(pid, startTicks, waitMs)) return
  send(pid, 'SIGKILL')
  if (await goneWithin(pid, startTicks, killMs)) return
  throw new GuardError('daemon-unreachable', `the daemon (process ${pid}) does not end`)
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * The socket may have been handed on (a service manager's): only a process of ours that was started as our
 * daemon is signalled. Its /proc/PID/exe can't be read, for it is not dumpable; its command line can.
 */
function checkIsDaemon(pid: number): void {
  const uid = /^Uid:\t(\d+)/m.exec(readProc(`/proc/${pid}/status`) ?? '')?.[1]
  const words = (readProc(`/proc/${pid}/cmdline`) ?? '').split('\0')
  const isOurs = Number(uid) === process.getuid?.()
  if (isOurs && words.some((word) => /(^|\/)(daemon\.cjs|daemon\/main\.ts)$/.test(word))) return
  throw new GuardError(
    'daemon-unreachable',
    `process ${pid} holds the socket, but is not a kubeguard daemon`,
    {
      cure: `look at it: ps -fp ${pid}`,
    },
  )
}
