import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { GuardError } from '../domain/errors.ts'
import { places } from '../platform/dirs.ts'
import type { Dirs } from '../platform/dirs.ts'
import { readLockFile } from '../platform/lock-file.ts'
import { peerOf } from '../platform/peer.ts'
import { checkPlace, checkSocket } from '../platform/safe-place.ts'
import type { Peer } from './exchange.ts'
import { ListeningSocket } from './listening-socket.ts'

/** A Unix socket answers at once or its queue is full; past this it is hung. */
const connectMs = 2_000
const pauseMs = 20

/** No process listens there: the file is gone, or its process is. */
const nobodyThere = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR'])

/**
 * Connects to the daemon that the lock file names.
 * @returns undefined when none is running.
 * @throws GuardError `place-unsafe` when the lock file, the socket, a folder of either or the process behind
 *   it is not ours; `daemon-unreachable` when it does not take the connection.
 */
export async function reachDaemon(found: Dirs): Promise<Socket | undefined> {
  // Whoever may write in the folder of the lock file says where we connect.
  if (isMissing(() => checkPlace(found.state, 'private'))) return undefined
  const path = readLockFile(places.lockFile(found))
  return path === undefined ? undefined : connectTo(path, 'daemon')
}

/**
 * Connects to a socket of ours in a folder of ours, and checks who listens there.
 * @returns undefined when nobody does.
 * @throws GuardError as `reachDaemon`.
 */
export async function connectTo(path: string, peer: Peer): Promise<Socket | undefined> {
  if (isMissing(() => checkSocket(path))) return undefined
  const giveUpAt = performance.now() + connectMs
  for (;;) {
    const result = await tryConnect(path)
    if (typeof result !== 'string') return checkedPeer(result, path, peer)
    if (nobodyThere.has(result)) return undefined
    // EAGAIN: the queue of connections is full (connect(2)).
    if (result !== 'EAGAIN' || performance.now() > giveUpAt) throw notTaken(peer, path, result)
    await pause(pauseMs)
  }
}

/** Runs a check of a place. @returns whether there is nothing to check. @throws GuardError what it finds. */
function isMissing(check: () => void): boolean {
  try {
    check()
    return false
  } catch (error) {
    if (error instanceof GuardError && nobodyThere.has(codeOf(error.cause))) return true
    throw error
  }
}

function tryConnect(path: string): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = new ListeningSocket()
    const timer = setTimeout(() => socket.destroy(codedError('ETIMEDOUT')), connectMs)
    socket.once('error', (error) => {
      clearTimeout(timer)
      resolve(codeOf(error))
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(socket)
    })
    socket.connect(path)
  })
}

/** The folder may have been open to others once: the kernel knows who listens now. */
function checkedPeer(socket: Socket, path: string, peer: Peer): Socket {
  const { uid } = peerOf(socket)
  if (uid === process.getuid?.()) return socket
  socket.destroy()
  throw new GuardError('place-unsafe', `behind ${path} is a process of user ${uid}, not your ${peer}`, {
    cure: `remove it: rm ${path}`,
  })
}

function notTaken(peer: Peer, path: string, code: string): GuardError {
  return new GuardError('daemon-unreachable', `the ${peer} takes no connection at ${path} (${code})`, {
    cure: 'run: kubeguard daemon restart',
  })
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? ''

const codedError = (code: string): Error => Object.assign(new Error(code), { code })
