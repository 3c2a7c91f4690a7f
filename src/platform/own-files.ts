import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
} from 'node:fs'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { GuardError } from '../domain/errors.ts'

/** Files and folders that must be this account's alone: 0600 and 0700, ours, never a symlink. */

const othersBits = 0o077

/** Makes a folder with mode 0700 where there is none, durably, and checks it. @throws GuardError place-unsafe */
export function makeOwnFolder(path: string): void {
  const made = mkdirSync(path, { recursive: true, mode: 0o700 })
  if (made !== undefined) syncFolder(dirname(path))
  checkOwnFolder(path)
}

/** @throws GuardError place-unsafe when the folder is someone else's, open to others, or a symlink. */
export function checkOwnFolder(path: string): void {
  const facts = lstatSync(path)
  if (facts.isSymbolicLink()) throw unsafe(path, 'is a symbolic link')
  if (!facts.isDirectory()) throw unsafe(path, 'is not a folder')
  checkOwner(path, facts)
}

/**
 * Reads a file of ours.
 *
 * @param maxBytes a larger file is refused as vault-damaged
 * @returns undefined when there is none
 * @throws GuardError place-unsafe, vault-damaged
 */
export function readOwnFile(path: string, maxBytes: number): Buffer | undefined {
  const descriptor = openOwn(path)
  if (descriptor === undefined) return undefined
  try {
    const facts = fstatSync(descriptor)
    if (!facts.isFile()) throw unsafe(path, 'is not a regular file')
    checkOwner(path, facts)
    if (facts.size > maxBytes) throw new GuardError('vault-damaged', `${path} is too large`)
    return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** O_NONBLOCK: opening a FIFO that someone planted must not hang. */
function openOwn(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    if (codeOf(error) === 'ELOOP') throw unsafe(path, 'is a symbolic link')
    throw error
  }
}

/**
 * Replaces a file whole or not at all: a temporary file beside it, fsync, rename, fsync of the folder.
 * When it returns the bytes survive a power cut; when it throws the old file is untouched.
 *
 * @throws GuardError disk-full, place-unsafe
 */
export function writeOwnFile(path: string, bytes: Uint8Array | string): void {
  refuseLink(path)
  const temporary = join(dirname(path), `${beginOfTemporary(path)}${randomBytes(6).toString('hex')}.tmp`)
  try {
    writeNew(temporary, typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
    renameSync(temporary, path)
    syncFolder(dirname(path))
  } catch (error) {
    rmSync(temporary, { force: true })
    throw asDiskFull(error, path)
  }
}

const beginOfTemporary = (path: string): string => `.${basename(path)}.`

/** What `writeOwnFile` has left beside this file where it was killed, or has there just now. */
export function temporariesOf(path: string): string[] {
  const folder = dirname(path)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.startsWith(beginOfTemporary(path)) && name.endsWith('.tmp'))
    .map((name) => join(folder, name))
}

function writeNew(path: string, bytes: Uint8Array): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const descriptor = openSync(path, flags, 0o600)
  try {
    fchmodSync(descriptor, 0o600)
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** A rename would replace the link and not its target, but a link here means that someone meddled. */
function refuseLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) throw unsafe(path, 'is a symbolic link')
}

/** Removes a file if it is there, durably. */
export function removeOwnFile(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  syncFolder(dirname(path))
}

/** Makes renames and removals in a folder durable (fsync(2) of the folder itself). */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** @returns a disk-full GuardError for ENOSPC and EDQUOT, else the error as it was. */
export function asDiskFull(error: unknown, path: string): unknown {
  const code = codeOf(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  return new GuardError('disk-full', `no room on the disk to write ${path}`, { cause: error })
}

function checkOwner(path: string, facts: { uid: number; mode: number }): void {
  if (facts.uid !== process.getuid?.()) throw unsafe(path, 'belongs to another account')
  if ((facts.mode & othersBits) !== 0) throw unsafe(path, 'is open to other accounts')
}

const unsafe = (path: string, what: string): GuardError => new GuardError('place-unsafe', `${path} ${what}`)

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code
