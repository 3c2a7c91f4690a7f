import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { isatty } from 'node:tty'
import { launcherPath } from '../platform/install.ts'
import { variable } from './inherited.ts'
import type { Inherited } from './inherited.ts'

/** Running `kubeguard` itself, to ask for the passphrase: as native/child.c. */

/** As a shell has it for a command that is not there. */
const notFound = 127

/** Where the child's standard error goes. Its input and output are /dev/null: both belong to the command. */
export type ChildErrors = 'ours' | 'terminal'

/** Which of the descriptors 0, 1 and 2 are terminals: bits 1, 2 and 4. */
export function standardTerminals(): number {
  return [0, 1, 2].reduce((bits, fd) => (isatty(fd) ? bits | (1 << fd) : bits), 0)
}

/** KUBEGUARD_PROMPT does not forbid it: it may wait for a prompt of somebody else's. */
export function mayWait(inherited: Inherited): boolean {
  return variable(inherited, 'KUBEGUARD_PROMPT')?.toString() !== 'never'
}

/** The same, and there is a terminal. */
export function mayAsk(inherited: Inherited): boolean {
  if (!mayWait(inherited)) return false
  const terminal = openTerminal()
  if (terminal === undefined) return false
  closeSync(terminal)
  return true
}

/**
 * Runs `kubeguard unlock --for-command POLICY`. Where a signal ends it, this process ends by the same one.
 * @returns its exit code
 */
export async function runUnlock(policy: string, errors: ChildErrors): Promise<number> {
  const terminal = errors === 'terminal' ? openTerminal() : undefined
  const stderr = errors === 'ours' ? 'inherit' : (terminal ?? 'ignore')
  const args = ['unlock', '--for-command', policy]
  const child = spawn(launcherPath('kubeguard'), args, { stdio: ['ignore', 'ignore', stderr] })
  if (terminal !== undefined) closeSync(terminal)
  const letGo = leaveSignalsTo(child)
  const { code, signal } = await endOf(child, notFound)
  letGo()
  if (signal !== null) process.kill(process.pid, signal)
  return code ?? notFound
}

interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** @param notStarted the exit code for one that could not be started */
export function endOf(child: ChildProcess, notStarted: number): Promise<End> {
  const { promise, resolve } = Promise.withResolvers<End>()
  child.on('error', () => resolve({ code: notStarted, signal: null }))
  child.on('exit', (code, signal) => resolve({ code, signal }))
  return promise
}

/**
 * Ctrl-C and Ctrl-\ are for the child that reads a passphrase: it must give the terminal its echo back
 * before we go. What ends us ends it too.
 */
export function leaveSignalsTo(child: ChildProcess): () => void {
  const stay = (): void => {}
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal)
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, stay)
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, pass)
  return () => {
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.off(signal, stay)
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, pass)
  }
}

function openTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY)
  } catch {
    return undefined
  }
}
