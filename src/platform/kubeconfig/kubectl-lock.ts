import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { GuardError } from '../../domain/errors.ts'
import { tryLock } from '../libc.ts'
import { isOwnerDead, ownerPattern } from './file-owner.ts'

/** kubectl holds its lock for about a millisecond; one that stays this long was left behind. */
const patienceMs = 3_000
const pollMs = 7

/** Where client-go puts its lock (tools/clientcmd, lockName): beside the name it was given. */
export function lockPath(path: string): string {
  return `${path}.lock`
}

/** What our lock files hold; kubectl's are empty, with mode 0. */
export function lockText(owner: string): string {
  return `kubeguard ${owner}\n`
}

export interface LockFile {
  readonly path: string
  /** A file beside it that holds `lockText`: linked into place, so that a lock is never seen half made. */
  readonly owner: string
}

/**
 * Runs work under kubectl's lock files. They have no owner and no end; ours name their process, so that
 * one that a killed process of ours left behind is cleared away, and nobody else's is.
 *
 * @param locks each taken in turn
 * @param work synchronous, so that the locks are held for as short as can be
 * @throws GuardError kubeconfig-busy, which names the lock file, when it stays for longer than 3 s
 */
export async function withKubectlLocks<Result>(
  locks: readonly LockFile[],
  work: () => Result,
): Promise<Result> {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    const taken: string[] = []
    try {
      const blocking = locks.find((lock) => !take(lock, taken))
      if (blocking === undefined) return work()
      if (performance.now() > giveUpAt) throw busy(blocking.path)
    } finally {
      taken.forEach(letGo)
    }
    await delay(pollMs + Math.random() * pollMs)
  }
}

function take(lock: LockFile, taken: string[]): boolean {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      linkSync(lock.owner, lock.path)
      taken.push(lock.path)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (!clearDeadLock(lock.path)) return false
  }
  return false
}

/** Someone may have removed the lock by hand. */
function letGo(lock: string): void {
  try {
    unlinkSync(lock)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/**
 * Removes a lock of ours whose process is dead. Two that find the same one are kept apart by flock(2) on
 * the file: the second sees that the name stands for another file by now.
 *
 * @returns whether it was removed
 */
export function clearDeadLock(lock: string): boolean {
  const descriptor = open(lock)
  if (descriptor === undefined) return false
  try {
    const facts = fstatSync(descriptor)
    if (!facts.isFile() || facts.size === 0 || facts.size > 256) return false
    const owner = new RegExp(`^kubeguard (${ownerPattern})\n$`).exec(readFileSync(descriptor, 'utf8'))?.[1]
    if (owner === undefined || !isOwnerDead(owner, facts.mtimeMs) || !tryLock(descriptor)) return false
    if (statSync(lock, { throwIfNoEntry: false })?.ino !== facts.ino) return false
    unlinkSync(lock)
    return true
  } finally {
    closeSync(descriptor)
  }
}

function open(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch {
    return undefined
  }
}

function busy(lock: string): GuardError {
  return new GuardError('kubeconfig-busy', `${lock} is in the way`, {
    cure: `try again; if no kubectl is running: rm ${lock}`,
  })
}
