import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'
import { GuardError } from '../domain/errors.ts'
import { tryLock } from './libc.ts'
import { checkPlace } from './safe-place.ts'

/** Held for the daemon's whole life; the kernel lets go of it when the process ends, however it ends. */
export interface DaemonLock {
  /** Tells clients where to connect. Call it when the socket listens. */
  publish(socketPath: string): void
  /** Empties the file and lets go of the lock. */
  release(): void
}

/**
 * Admits one daemon per account. The lock is on the file itself (flock(2)), so the file is never removed:
 * a second file under the same name would admit a second daemon. Node opens it close-on-exec, so that no
 * child keeps it.
 * @returns undefined when another daemon holds it.
 * @throws GuardError `place-unsafe` for a file that is not ours alone.
 */
export function acquireDaemonLock(path: string): DaemonLock | undefined {
  checkPlace(dirname(path), 'private')
  const fd = openLockFile(path)
  try {
    checkLockFile(path, fd)
    if (tryLock(fd)) {
      ftruncateSync(fd, 0)
      return lockOn(fd)
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  closeSync(fd)
  return undefined
}

/**
 * The socket that the lock file names; it may be a dead daemon's.
 * @returns undefined when there is no file, or nothing is in it yet.
 * @throws GuardError `place-unsafe` for a file that is not ours alone, or that holds no path.
 */
export function readLockFile(path: string): string | undefined {
  const fd = openExisting(path)
  if (fd === undefined) return undefined
  try {
    checkLockFile(path, fd)
    const text = readFileSync(fd, 'utf8')
    if (!text.endsWith('\n')) return undefined
    const socket = text.slice(0, -1)
    if (!isAbsolute(socket) || socket.includes('\0')) throw unsafeFile(path, 'names no socket')
    return socket
  } finally {
    closeSync(fd)
  }
}

function lockOn(fd: number): DaemonLock {
  return {
    publish(socketPath) {
      ftruncateSync(fd, 0)
      writeSync(fd, `${socketPath}\n`, 0)
    },
    release() {
      ftruncateSync(fd, 0)
      closeSync(fd)
    },
  }
}

function openLockFile(path: string): number {
  try {
    return openSync(
      path,
      constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      0o600,
    )
  } catch (error) {
    throw cannotOpen(path, error)
  }
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cannotOpen(path, error)
  }
}

function checkLockFile(path: string, fd: number): void {
  const facts = fstatSync(fd)
  if (!facts.isFile()) throw unsafeFile(path, 'is not a plain file')
  if (facts.uid !== process.getuid?.()) throw unsafeFile(path, `belongs to user ${facts.uid}, not to you`)
  if ((facts.mode & 0o077) !== 0) throw unsafeFile(path, 'is open to other users')
  if (facts.size > 4096) throw unsafeFile(path, 'is too large for a lock file')
}

function cannotOpen(path: string, error: unknown): GuardError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
  return unsafeFile(path, code === 'ELOOP' ? 'is a link' : `can't be opened (${code})`)
}

function unsafeFile(path: string, wrong: string): GuardError {
  return new GuardError('place-unsafe', `${path} ${wrong}`, {
    cure: `end the daemon (kubeguard daemon stop), then remove it: rm ${path}`,
  })
}
