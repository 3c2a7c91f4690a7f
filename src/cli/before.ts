import { existsSync, rmdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { unifiedDiff } from '../domain/line-diff.ts'
import { digestsOf, noteBefore } from '../platform/before.ts'
import type { Before, FileBefore } from '../platform/before.ts'
import { runScribe } from '../platform/scribes/run-scribe.ts'
import { readBytes } from './replace-file.ts'

/** Notes a start-up file before its first change; what is known already stays. */
export function noteStartUpFile(path: string): void {
  const folders = missingFolders(dirname(path))
  noteBefore([{ path, kind: 'start-up', ...modeAt(path), text: () => readBytes(path) }], folders)
}

/** Notes folders that we are about to make among those of others. */
export function noteFolders(folders: readonly string[]): void {
  noteBefore([], folders)
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

function modeAt(path: string): Pick<FileBefore, 'mode'> {
  const facts = statSync(path, { throwIfNoEntry: false })
  return facts === undefined ? {} : { mode: facts.mode & 0o7777 }
}
