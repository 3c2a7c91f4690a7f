import { join } from 'node:path'
import { unifiedDiff } from '../domain/line-diff.ts'
import { dirs, places } from '../platform/dirs.ts'
import { noteStartUpFile } from './before.ts'
import { maskStartUpLine } from './mask-start-up.ts'
import { diffLines, say, sayProgress, sayStep } from './output.ts'
import { readBytes, whyNotWritable } from './replace-file.ts'
import { addHook, hookState, shellOf, shells, startUpFiles, textWithHook } from './shell-hook.ts'
import type { Shell, StartUpFile } from './shell-hook.ts'
import { pathInShell, zdotdir } from './start-shell.ts'
import type { ShellMode } from './start-shell.ts'
import { firstOnPath, foldersOnPath } from './survey.ts'

/** Asks before a change, unless `--yes` took the defaults. @returns whether to make it. */
export type Ask = (question: string) => Promise<boolean>

export interface ShellInUse {
  readonly shell: Shell
  /** Absent: it is not installed here. */
  readonly program?: string
  readonly files: readonly StartUpFile[]
}

/** The shells that this person uses: the one of the log-in, and each other that is there and has a start-up file. */
export async function shellsInUse(): Promise<ShellInUse[]> {
  const found: ShellInUse[] = []
  for (const shell of shells) {
    const program = firstOnPath(shell, foldersOnPath())
    const files = await filesOf(shell, program)
    const hasFile = files.some(({ path }) => readBytes(path) !== undefined)
    if (shell !== shellOf() && (program === undefined || !hasFile)) continue
    found.push({ shell, files, ...(program !== undefined && { program }) })
  }
  return found
}

/** $ZDOTDIR is often set by ~/.zshenv alone: only zsh knows. */
async function filesOf(shell: Shell, program: string | undefined): Promise<StartUpFile[]> {
  const asks = shell === 'zsh' && program !== undefined && (process.env['ZDOTDIR'] ?? '') === ''
  const folder = asks ? await zdotdir(program) : undefined
  return startUpFiles(shell, folder === undefined ? process.env : { ...process.env, ZDOTDIR: folder })
}

/**
 * Puts the hook into every start-up file that lacks it: each as a diff, asked for, written whole, and tried by
 * starting the shell. A file that can't be written is left alone, and the line for it is said.
 * @returns the lines that are left for the person to add
 */
export async function hookShells(inUse: readonly ShellInUse[], ask: Ask): Promise<StartUpFile[]> {
  if (inUse.length === 0) sayStep('shell: no hook for yours, put the shims first on PATH yourself')
  const byHand: StartUpFile[] = []
  for (const { shell, program, files } of inUse) {
    const states: Awaited<ReturnType<typeof hookFile>>[] = []
    for (const file of files) states.push(await hookFile(file, ask))
    byHand.push(...files.filter((_, index) => states[index] === 'read-only'))
    if (program !== undefined && states.every((state) => state === 'there')) {
      sayProgress(`starting ${shell} to see that it finds the shim`)
      await tryShell(shell, program, files)
    }
  }
  return byHand
}

async function hookFile(file: StartUpFile, ask: Ask): Promise<'there' | 'read-only' | 'declined'> {
  const { path } = file
  if (hookState(file) === 'present') {
    sayStep(`shell: the hook is in ${path}`)
    return 'there'
  }
  if (whyNotWritable(path) !== undefined) return 'read-only'
  process.stderr.write(`${diffOf(file).join('\n')}\n`)
  if (!(await ask(`put the shims first on PATH, by a line in ${path}?`))) return 'declined'
  noteStartUpFile(path)
  addHook(file)
  sayStep(`shell: a line in ${path}; it counts in new shells`)
  return 'there'
}

function diffOf(file: StartUpFile): string[] {
  const shown = (bytes: string): string =>
    Buffer.from(bytes, 'latin1').toString().split('\n').map(maskStartUpLine).join('\n')
  const diff = unifiedDiff(file.path, shown(readBytes(file.path) ?? ''), shown(textWithHook(file)))
  return diffLines(diff, process.stderr)
}

const triedModes: readonly ShellMode[] = ['interactive', 'login']

/** Where something in a file keeps the shell from its end, the line is tried at the top. */
async function tryShell(shell: Shell, program: string, files: readonly StartUpFile[]): Promise<void> {
  if (await meetsShim(shell, program)) return sayStep(`${shell}: a new one finds the shim first`)
  const movable = files.filter(({ path }) => whyNotWritable(path) === undefined)
  for (const file of movable) {
    noteStartUpFile(file.path)
    addHook(file, 'top')
  }
  if (movable.length > 0 && (await meetsShim(shell, program)))
    return sayStep(
      `${shell}: a new one finds the shim first, with the line at the top: the end is not reached`,
    )
  for (const file of movable) addHook(file)
  say(`a new ${shell} does not find the shim first`, 'see why: kubeguard doctor')
}

async function meetsShim(shell: Shell, program: string): Promise<boolean> {
  const shim = join(places.shims(dirs()), 'kubectl')
  for (const mode of triedModes) {
    const answer = await pathInShell(shell, mode, program)
    if ('failure' in answer || firstOnPath('kubectl', answer.path) !== shim) return false
  }
  return true
}
