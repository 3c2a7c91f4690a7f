import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, realpathSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { unifiedDiff } from '../domain/line-diff.ts'
import { dirs } from '../platform/dirs.ts'
import { runScribe } from '../platform/scribes/run-scribe.ts'
import { readBytes, replaceFile } from './replace-file.ts'

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

const placeOf = (): string => join(dirs().state, 'before.json')

/** @returns what is known; nothing where no record was kept, or one that can't be read. */
export function readBefore(): Before {
  try {
    const read = JSON.parse(readBytes(placeOf()) ?? '') as Before
    if (read.version === 1) return read
  } catch {
    // Without a record nothing can be shown, and nothing is harmed.
  }
  return { version: 1, key: randomBytes(16).toString('hex'), files: [], folders: [] }
}

/** Notes a start-up file before its first change; what is known already stays. */
export function noteStartUpFile(path: string): void {
  const folders = missingFolders(dirname(path))
  const text = readBytes(path)
  note(
    (before) => [
      {
        path,
        kind: 'start-up',
        lines: text === undefined ? [] : digestsOf(text, before.key),
        ...modeAt(path),
      },
    ],
    folders,
  )
}

/** Notes kubeconfigs before their secrets are moved; what is known already stays. */
export async function noteKubeconfigs(paths: readonly string[]): Promise<void> {
  const known = new Set(readBefore().files.map(({ path }) => path))
  const unknown = paths.filter((path) => existsSync(path) && !known.has(realpathSync(path)))
  if (unknown.length === 0) return
  const masked = await runScribe({ job: 'mask', paths: unknown })
  note(({ key }) =>
    masked.map(({ path, mode, text }) => ({ path, kind: 'kubeconfig', mode, lines: digestsOf(text, key) })),
  )
}

/** Notes folders that we are about to make among those of others. */
export function noteFolders(folders: readonly string[]): void {
  note(() => [], folders)
}

/** @returns the folders that have to be made for `path` to be there, the innermost first. */
export function missingFolders(path: string): string[] {
  return existsSync(path) ? [] : [path, ...missingFolders(dirname(path))]
}

/** Folders that were made for ours; what others have put there since keeps them. */
export function removeEmptyFolders(folders: readonly string[]): void {
  for (const folder of folders.toSorted((a, b) => b.length - a.length)) {
    try {
      rmdirSync(folder)
    } catch {
      // It holds something, or is gone.
    }
  }
}

/** @returns how each file that was noted differs from before, as a unified diff; secrets are masked. */
export async function differencesFrom({ files, key }: Before): Promise<string[]> {
  const kubeconfigs = files.filter(({ kind }) => kind === 'kubeconfig').map(({ path }) => path)
  const masked = kubeconfigs.length === 0 ? [] : await runScribe({ job: 'mask', paths: kubeconfigs })
  return files.flatMap((file) => {
    const text =
      file.kind === 'start-up' ? readBytes(file.path) : masked.find(({ path }) => path === file.path)?.text
    return difference(file, text, key)
  })
}

function difference(file: FileBefore, text: string | undefined, key: string): string[] {
  const { path, mode, lines } = file
  if (text === undefined) return mode === undefined ? [] : [`${path}: is not there any more`]
  if (mode === undefined) return [`${path}: was not there before`]
  const now = modeAt(path).mode ?? mode
  const modes = now === mode ? [] : [`${path}: mode ${mode.toString(8)} before, ${now.toString(8)} now`]
  const texts = new Map(digestsOf(text, key).map((digest, index) => [digest, text.split('\n')[index] ?? '']))
  const diff = unifiedDiff(path, joined(lines), joined(digestsOf(text, key)))
    .split('\n')
    .map((line) => {
      const digest = line.slice(1)
      if (line === '' || line.startsWith('@@') || /^(---|\+\+\+) /.test(line)) return line
      return line.slice(0, 1) + (texts.get(digest) ?? '(a line that was there before)')
    })
  return [...modes, ...(diff.length > 1 ? [diff.join('\n').trimEnd()] : [])]
}

const joined = (digests: readonly string[]): string => digests.map((digest) => `${digest}\n`).join('')

/** One for each line, and for what stands behind the last line end: an end that went missing shows. */
function digestsOf(text: string, key: string): string[] {
  return text
    .split('\n')
    .map((line, index, all) => (index === all.length - 1 && line === '' ? '\n' : line))
    .map((line) => createHmac('sha256', key).update(line).digest('base64url').slice(0, 16))
}

function note(entriesOf: (before: Before) => readonly FileBefore[], more: readonly string[] = []): void {
  const before = readBefore()
  const known = new Set(before.files.map(({ path }) => path))
  const files = [...before.files, ...entriesOf(before).filter(({ path }) => !known.has(path))]
  const folders = [...new Set([...before.folders, ...more])]
  if (files.length === before.files.length && folders.length === before.folders.length) return
  replaceFile(placeOf(), JSON.stringify({ ...before, files, folders }), 0o600)
}

function modeAt(path: string): Pick<FileBefore, 'mode'> {
  const facts = statSync(path, { throwIfNoEntry: false })
  return facts === undefined ? {} : { mode: facts.mode & 0o7777 }
}
