import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Files of the user's that we change: whole or not at all, whatever ends us. A link (dotfiles repositories) stays
 * one, and what it leads to is replaced; mode and owner stay.
 */

/** @returns the bytes as latin1, one character each; undefined where there is no file. */
export function readBytes(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'latin1') : undefined
}

/** @returns why this file is not to be written by us, or undefined. A missing one may be made. */
export function whyNotWritable(path: string): string | undefined {
  const real = realPath(path)
  if (existsSync(real)) {
    const facts = statSync(real)
    if (!facts.isFile()) return 'is not a regular file'
    // Root may write it all the same, but whoever took the write permission away meant it.
    if ((facts.mode & 0o222) === 0 || !may(real, constants.W_OK)) return 'is read-only'
    if (facts.uid !== process.getuid?.()) return 'belongs to another account'
  }
  const folder = nearestFolder(dirname(real))
  return may(folder, constants.W_OK | constants.X_OK) ? undefined : `lies in ${folder}, which is read-only`
}

/**
 * Replaces a file, or makes it (mode 0644 unless said). What is there under the name is at every moment the old file
 * or the new one (rename(2)); the new one is durable when this returns.
 * @param text latin1, as `readBytes` gives it
 */
export function replaceFile(path: string, text: string, newMode = 0o644): void {
  const real = realPath(path)
  mkdirSync(dirname(real), { recursive: true })
  const next = nextName(real)
  // Of a run that was killed.
  rmSync(next, { force: true })
  try {
    writeNext(next, Buffer.from(text, 'latin1'), existsSync(real) ? real : undefined, newMode)
    renameSync(next, real)
  } finally {
    rmSync(next, { force: true })
  }
  syncFolder(dirname(real))
}

/** Removes a file, and what a killed run left beside it. */
export function removeFile(path: string): void {
  rmSync(path, { force: true })
  clearLeftBeside(path)
}

/** What a killed run left beside a file: its text, never used. */
export function clearLeftBeside(path: string): void {
  rmSync(nextName(realPath(path)), { force: true })
}

const nextName = (real: string): string => `${real}.kubeguard-new`

function writeNext(next: string, bytes: Buffer, like: string | undefined, newMode: number): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const descriptor = openSync(next, flags, 0o600)
  try {
    if (like === undefined) fchmodSync(descriptor, newMode)
    else keepOwnerAndMode(descriptor, like)
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function keepOwnerAndMode(descriptor: number, like: string): void {
  const facts = statSync(like)
  const made = fstatSync(descriptor)
  if (facts.uid !== made.uid || facts.gid !== made.gid) fchownSync(descriptor, facts.uid, facts.gid)
  fchmodSync(descriptor, facts.mode & 0o7777)
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Behind every link, also one whose target is not there yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const target = linkTarget(path)
    return target === undefined ? path : resolve(dirname(path), target)
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

function nearestFolder(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : nearestFolder(dirname(path))
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
