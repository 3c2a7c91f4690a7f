import { lstatSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { installRoot } from '../platform/install.ts'
import { hookStateOf, withHook, withoutHook } from './hook-block.ts'
import type { HookState } from './hook-block.ts'
import { clearLeftBeside, readBytes, removeFile, replaceFile } from './replace-file.ts'

export const shells = ['zsh', 'bash', 'fish'] as const
export type Shell = (typeof shells)[number]

/** A file that a shell reads when it starts, and the line of ours that belongs into it. */
export interface StartUpFile {
  readonly shell: Shell
  readonly path: string
  readonly line: string
}

/** @returns the shell that $SHELL names, if we have a hook for it. */
export function shellOf(environment: NodeJS.ProcessEnv = process.env): Shell | undefined {
  const name = basename(environment['SHELL'] ?? '')
  return shells.find((shell) => shell === name)
}

/** The line that a shell's start-up file needs. Single quotes keep every path as it is. */
export function hookLine(shell: Shell): string {
  return `source ${hookPath(shell)}`
}

function hookPath(shell: Shell): string {
  const path = join(installRoot(), 'shell', `kubeguard.${shell}`)
  const escaped =
    shell === 'fish' ? path.replaceAll('\\', '\\\\').replaceAll("'", "\\'") : path.replaceAll("'", `'\\''`)
  return `'${escaped}'`
}

/** Start-up file of interactive shells. $ZDOTDIR moves zsh's, $XDG_CONFIG_HOME fish's. */
export function startUpFile(shell: Shell, environment: NodeJS.ProcessEnv = process.env): string {
  const home = environment['HOME'] || homedir()
  if (shell === 'zsh') return join(environment['ZDOTDIR'] || home, '.zshrc')
  if (shell === 'bash') return join(home, '.bashrc')
  return join(environment['XDG_CONFIG_HOME'] || join(home, '.config'), 'fish', 'config.fish')
}

/**
 * The files that a shell reads in a terminal and at a log-in, and that must have the line. A log-in bash reads none
 * but the first of three (bash(1), INVOCATION), which usually goes on to ~/.bashrc; where it does not, it gets the
 * line itself.
 */
export function startUpFiles(shell: Shell, environment: NodeJS.ProcessEnv = process.env): StartUpFile[] {
  const usual = { shell, path: startUpFile(shell, environment), line: hookLine(shell) }
  return shell === 'bash' ? [usual, ...bashLogInFile(environment['HOME'] || homedir())] : [usual]
}

function bashLogInFile(home: string): StartUpFile[] {
  const names = ['.bash_profile', '.bash_login', '.profile'].map((name) => join(home, name))
  const path = names.find((name) => readBytes(name) !== undefined) ?? join(home, '.profile')
  const readsBashrc = /^[^#\n]*(?:\.|source)\s[^#\n]*bashrc/m.test(withoutHook(readBytes(path) ?? ''))
  if (readsBashrc) return []
  // Other shells read ~/.profile, too, and so does the display manager.
  const line = path.endsWith('.profile')
    ? `[ -z "\${BASH_VERSION-}" ] || . ${hookPath('bash')}`
    : hookLine('bash')
  return [{ shell: 'bash', path, line }]
}

/** Every file that may hold a line of ours, whatever shell is in use by now. */
export function everyStartUpFile(environment: NodeJS.ProcessEnv = process.env): string[] {
  const home = environment['HOME'] || homedir()
  const bash = ['.bash_profile', '.bash_login', '.profile'].map((name) => join(home, name))
  const withoutMoves = shells.map((shell) => startUpFile(shell, { HOME: home }))
  return [...new Set([...shells.map((shell) => startUpFile(shell, environment)), ...withoutMoves, ...bash])]
}

/** The text of a file with the line in it; a line that names another path is replaced. */
export function textWithHook({ path, line }: StartUpFile, where: 'end' | 'top' = 'end'): string {
  return withHook(readBytes(path) ?? '', asBytes(line), where)
}

export function hookState({ path, line }: StartUpFile): HookState {
  return hookStateOf(readBytes(path) ?? '', asBytes(line))
}

/** @throws NodeJS.ErrnoException where the file can't be replaced; it is as it was then. */
export function addHook(file: StartUpFile, where: 'end' | 'top' = 'end'): void {
  replaceFile(file.path, textWithHook(file, where))
}

/**
 * @param existed whether the file was there before us; unknown: one that holds nothing else is taken for ours.
 * @returns whether the line was there.
 */
export function removeHook(path: string, existed?: boolean): boolean {
  clearLeftBeside(path)
  const text = readBytes(path)
  if (text === undefined) return false
  const rest = withoutHook(text)
  if (rest === text) return false
  // A link is somebody's: we made none.
  if (rest === '' && existed !== true && !lstatSync(path).isSymbolicLink()) removeFile(path)
  else replaceFile(path, rest)
  return true
}

const asBytes = (line: string): string => Buffer.from(line).toString('latin1')
