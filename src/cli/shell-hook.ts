import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { installRoot } from '../platform/install.ts'

export const shells = ['zsh', 'bash', 'fish'] as const
export type Shell = (typeof shells)[number]

/** By this the line is found again, whatever path stands in it. */
const mark = '# kubeguard: kubectl with a time limit'

/** @returns the shell that $SHELL names, if we have a hook for it. */
export function shellOf(environment: NodeJS.ProcessEnv = process.env): Shell | undefined {
  const name = basename(environment['SHELL'] ?? '')
  return shells.find((shell) => shell === name)
}

/** The line that a shell's start-up file needs. Single quotes keep every path as it is. */
export function hookLine(shell: Shell): string {
  const path = join(installRoot(), 'shell', `kubeguard.${shell}`)
  const escaped =
    shell === 'fish' ? path.replaceAll('\\', '\\\\').replaceAll("'", "\\'") : path.replaceAll("'", `'\\''`)
  return `source '${escaped}'`
}

/** Start-up file of interactive shells. $ZDOTDIR moves zsh's, $XDG_CONFIG_HOME fish's. */
export function startUpFile(shell: Shell, environment: NodeJS.ProcessEnv = process.env): string {
  const home = environment['HOME'] || homedir()
  if (shell === 'zsh') return join(environment['ZDOTDIR'] || home, '.zshrc')
  if (shell === 'bash') return join(home, '.bashrc')
  return join(environment['XDG_CONFIG_HOME'] || join(home, '.config'), 'fish', 'config.fish')
}

export type HookState = 'missing' | 'present' | 'other'

/** Is the line there, not there, or there with another path (an older installation)? */
export function hookState(shell: Shell, path: string = startUpFile(shell)): HookState {
  const lines = readLines(path)
  const at = lines.indexOf(mark)
  if (at === -1) return 'missing'
  return lines[at + 1] === hookLine(shell) ? 'present' : 'other'
}

/** Puts the marked line at the end; one that names another path is replaced. */
export function addHook(shell: Shell, path: string = startUpFile(shell)): void {
  const kept = withoutHook(readLines(path))
  while (kept.at(-1) === '') kept.pop()
  const before = kept.length > 0 ? [...kept, ''] : []
  replaceFile(path, [...before, mark, hookLine(shell), ''].join('\n'))
}

/** A file that held nothing else is removed. @returns whether the line was there. */
export function removeHook(path: string): boolean {
  const lines = readLines(path)
  if (!lines.includes(mark)) return false
  const kept = withoutHook(lines)
  while (kept.at(-1) === '') kept.pop()
  if (kept.length === 0 && !lstatSync(path).isSymbolicLink()) rmSync(path)
  else replaceFile(path, kept.map((line) => `${line}\n`).join(''))
  return true
}

function withoutHook(lines: readonly string[]): string[] {
  return lines.filter((line, index) => {
    const isHook = lines[index - 1] === mark && /^source '.*kubeguard\.(zsh|bash|fish)'$/.test(line)
    return line !== mark && !isHook
  })
}

function readLines(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
}

/** Whole or not at all; a link (dotfiles repositories) stays one, the mode stays. */
function replaceFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const real = existsSync(path) ? realpathSync(path) : path
  const mode = existsSync(real) ? statSync(real).mode & 0o777 : 0o644
  const next = `${real}.kubeguard-new`
  writeFileSync(next, text, { mode })
  renameSync(next, real)
}
