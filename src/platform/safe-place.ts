import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { GuardError } from '../domain/errors.ts'

/** What others may do with a folder of ours: nothing, or read it. */
export type Openness = 'private' | 'others-may-read'

const forbiddenBits: Record<Openness, number> = { 'private': 0o077, 'others-may-read': 0o022 }

/** Makes a folder where there is none, and checks it. @throws GuardError `place-unsafe` */
export function ensurePlace(path: string, openness: Openness, mode: number): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    mkdirSync(path, { mode })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw cannotUse(path, error)
  }
  checkPlace(path, openness)
}

/**
 * Is this folder ours, closed to others, and can nobody else put another one in its place?
 * @throws GuardError `place-unsafe` with the path, what is wrong, and the cure.
 */
export function checkPlace(path: string, openness: Openness): void {
  const real = resolveOwnLink(path)
  const facts = stat(real)
  if (!facts.isDirectory()) throw unsafe(path, 'is not a folder', `move it away: mv ${path} ${path}.old`)
  if (facts.uid !== ownUid()) throw notOurs(path, facts.uid)
  if ((facts.mode & forbiddenBits[openness]) !== 0) throw open(path, openness)
  checkParents(real)
}

/** Is this socket (or other file) ours, in a private folder of ours? @throws GuardError `place-unsafe` */
export function checkSocket(path: string): void {
  checkPlace(dirname(path), 'private')
  const facts = lstat(path)
  if (facts.uid !== ownUid()) throw notOurs(path, facts.uid)
  if (!facts.isSocket()) throw unsafe(path, 'is not a socket', 'run: kubeguard daemon restart')
}

/** A link that we made ourselves may stand in for a folder; another's may not. */
function resolveOwnLink(path: string): string {
  const facts = lstat(path)
  if (facts.isSymbolicLink() && facts.uid !== ownUid()) {
    throw unsafe(
      path,
      `is a link made by user ${facts.uid}`,
      `look where it leads, then remove it: rm ${path}`,
    )
  }
  try {
    return realpathSync(path)
  } catch (error) {
    throw cannotUse(path, error)
  }
}

/** Who may rename a parent may swap the folder: as sshd's StrictModes, but groups of one are let be. */
function checkParents(real: string): void {
  for (let folder = dirname(real); ; folder = dirname(folder)) {
    const facts = stat(folder)
    if (facts.uid !== 0 && facts.uid !== ownUid()) throw notOurs(folder, facts.uid)
    const anyoneMayWrite = (facts.mode & 0o002) !== 0
    const sticky = (facts.mode & 0o1000) !== 0
    if (anyoneMayWrite && !sticky) {
      throw unsafe(folder, 'can be written by every user', `run: chmod o-w ${folder}`)
    }
    if (folder === dirname(folder)) return
  }
}

const ownUid = (): number => process.getuid?.() ?? -1

function lstat(path: string): Stats {
  try {
    return lstatSync(path)
  } catch (error) {
    throw cannotUse(path, error)
  }
}

function stat(path: string): Stats {
  try {
    return statSync(path)
  } catch (error) {
    throw cannotUse(path, error)
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown error'

function notOurs(path: string, uid: number): GuardError {
  // Under sudo(8) nothing is wrong with the place: it is the caller's, and so are its sessions.
  const cure =
    process.env['SUDO_UID'] === undefined
      ? `as its owner or root, remove it or run: chown ${ownUid()} ${path}`
      : 'run it without sudo: a session is one account’s alone'
  return unsafe(path, `belongs to user ${uid}, not to you`, cure)
}

function open(path: string, openness: Openness): GuardError {
  return openness === 'private'
    ? unsafe(path, 'is open to other users', `run: chmod 700 ${path}`)
    : unsafe(path, 'can be written by other users', `run: chmod go-w ${path}`)
}

function cannotUse(path: string, error: unknown): GuardError {
  const cure = 'check who owns it and its parents, and that the disk is not full'
  return new GuardError('place-unsafe', `${path} can’t be used (${codeOf(error)})`, { cure, cause: error })
}

function unsafe(path: string, wrong: string, cure: string): GuardError {
  return new GuardError('place-unsafe', `${path} ${wrong}`, { cure })
}
