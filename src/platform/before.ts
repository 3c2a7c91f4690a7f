import { createHmac, randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { dirs, places } from './dirs.ts'
import { makeOwnFolder, readOwnFile, writeOwnFile } from './own-files.ts'

/**
 * How the user's files were before we changed them, so that `uninstall` can show that they are so again: for each line
 * a digest under a key of its own, no text; of kubeconfigs from the text with the secrets masked.
 */
export interface Before {
  readonly version: 1
  readonly key: string
  readonly files: readonly FileBefore[]
  /** Folders of others that were made for ours or for a file: to be removed once they are empty. */
  readonly folders: readonly string[]
}

export interface FileBefore {
  readonly path: string
  readonly kind: 'start-up' | 'kubeconfig'
  /** Absent: there was no file. */
  readonly mode?: number
  readonly lines: readonly string[]
}

const mostBytes = 256 * 1024 * 1024

/** @returns what is known; nothing where no record was kept, or one that can't be read. */
export function readBefore(): Before {
  try {
    const read = JSON.parse(readOwnFile(places.before(dirs()), mostBytes)?.toString() ?? '') as Before
    if (read.version === 1) return read
  } catch {
    // Without a record nothing can be shown, and nothing is harmed.
  }
  return { version: 1, key: randomBytes(16).toString('hex'), files: [], folders: [] }
}

/** A file as it is now. */
export type FileNow = Omit<FileBefore, 'lines'> & {
  /** Asked for only where the file is not known yet; undefined where there is none. */
  readonly text: () => string | undefined
}

/** Adds to the record, durably; what is known already stays. @throws GuardError disk-full, place-unsafe */
export function noteBefore(now: readonly FileNow[], more: readonly string[] = []): void {
  const before = readBefore()
  const known = new Set(before.files.map(({ path }) => path))
  const added = now
    .filter(({ path }) => !known.has(path))
    .map(({ text, ...file }) => ({ ...file, lines: digestsOf(text(), before.key) }))
  const files = [...before.files, ...added]
  const folders = [...new Set([...before.folders, ...more])]
  if (files.length === before.files.length && folders.length === before.folders.length) return
  const place = places.before(dirs())
  makeOwnFolder(dirname(place))
  writeOwnFile(place, JSON.stringify({ ...before, files, folders }))
}

/** One for each line, and for what stands behind the last line end: an end that went missing shows. */
export function digestsOf(text: string | undefined, key: string): string[] {
  if (text === undefined) return []
  return text
    .split('\n')
    .map((line, index, all) => (index === all.length - 1 && line === '' ? '\n' : line))
    .map((line) => createHmac('sha256', key).update(line).digest('base64url').slice(0, 16))
}
