import { randomBytes } from 'node:crypto'
import { closeSync, constants, fchmodSync, fchownSync, fsyncSync, openSync } from 'node:fs'
import { renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { GuardError } from '../../domain/errors.ts'
import { syncFolder } from '../own-files.ts'
import { sameIdentity } from '../scribes/file-identity.ts'
import { placesOf, temporaryName } from './clear-left-behind.ts'
import { ownOwner } from './file-owner.ts'
import { lockPath, lockText, withKubectlLocks } from './kubectl-lock.ts'
import type { LockFile } from './kubectl-lock.ts'
import { readOnce } from './read-kubeconfig.ts'
import type { Snapshot } from './read-kubeconfig.ts'

/**
 * Replaces a kubeconfig whole or not at all, if it still is what the snapshot says. Mode and owner stay, a
 * symlink goes on pointing to the same file, and the new text is durable before it returns. No copy of
 * the old text is made.
 *
 * @returns false when the file has changed since the snapshot; nothing was done then
 * @throws GuardError kubeconfig-busy, kubeconfig-invalid, disk-full
 */
export async function replaceKubeconfig(snapshot: Snapshot, text: string): Promise<boolean> {
  const places = placesOf(snapshot.path)
  const made: string[] = []
  try {
    const temporary = newName(snapshot.real, 'new')
    made.push(temporary)
    writeTemporary(temporary, Buffer.from(text), snapshot)
    const locks = places.flatMap((place) => prepareLock(place, snapshot, made))
    const replaced = await withKubectlLocks(locks, () => {
      if (!isUnchanged(snapshot)) return false
      renameSync(temporary, snapshot.real)
      return true
    })
    if (replaced) syncFolder(dirname(snapshot.real))
    return replaced
  } catch (error) {
    throw asGuardError(error, snapshot.path)
  } finally {
    for (const path of made) rmSync(path, { force: true })
  }
}

/** kubectl locks the name it was given; through a symlink that is another one than the file's own. */
function prepareLock(place: string, snapshot: Snapshot, made: string[]): LockFile[] {
  const owner = newName(place, 'owner')
  made.push(owner)
  try {
    writeOwner(owner)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    // Where we can't make a lock, kubectl can't either, and so does not write through that name.
    if (place !== snapshot.real && ['EACCES', 'EPERM', 'EROFS'].includes(code)) return []
    throw error
  }
  return [{ path: lockPath(place), owner }]
}

function newName(place: string, kind: 'new' | 'owner'): string {
  return temporaryName(place, kind, randomBytes(4).toString('hex'))
}

/** @returns whether the file is still what the snapshot says. */
export function isUnchanged(snapshot: Snapshot): boolean {
  const now = readOnce(snapshot.path)
  return (
    now !== undefined &&
    now.real === snapshot.real &&
    sameIdentity(now.identity, snapshot.identity) &&
    now.bytes.equals(snapshot.bytes)
  )
}

function writeTemporary(path: string, bytes: Buffer, like: Snapshot): void {
  const descriptor = createNew(path)
  try {
    keepOwner(descriptor, like)
    fchmodSync(descriptor, like.mode)
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function writeOwner(path: string): void {
  const descriptor = createNew(path)
  try {
    writeSync(descriptor, lockText(ownOwner()))
  } finally {
    closeSync(descriptor)
  }
}

function createNew(path: string): number {
  return openSync(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  )
}

function keepOwner(descriptor: number, like: Snapshot): void {
  if (like.uid === process.getuid?.() && like.gid === process.getgid?.()) return
  try {
    fchownSync(descriptor, like.uid, like.gid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
    throw new GuardError('kubeconfig-invalid', `${like.path} belongs to another account or group`, {
      cure: `make it yours: chown ${process.getuid?.()}:${process.getgid?.()} ${like.path}`,
    })
  }
}

function asGuardError(error: unknown, path: string): unknown {
  if (error instanceof GuardError) return error
  const code = (error as NodeJS.ErrnoException).code
  if (code === undefined) return error
  if (code === 'ENOSPC' || code === 'EDQUOT') return new GuardError('disk-full', `no room to write ${path}`)
  return new GuardError('kubeconfig-invalid', `${path} can't be replaced (${code})`, {
    cure: `make the folder ${dirname(path)} writable, then try again`,
  })
}
