import { errorCatalogue, GuardError } from '../domain/errors.ts'
import type { LockReason } from '../domain/event.ts'
import type { GuardedSession } from './guarded-session.ts'

const reasons: Record<LockReason, string> = {
  'idle': 'idle too long',
  'lifetime': 'maximum age reached',
  'manual': 'locked by you',
  'suspend': 'the machine slept',
  'screen-lock': 'the screen was locked',
  'logout': 'you logged out',
  'disconnect': 'the terminal it was unlocked at is gone',
  'misuse': 'misuse was seen',
  'policy-changed': 'the policy became stricter',
  'daemon-stopped': 'the daemon was stopped',
  'keeper-lost': 'the keeper process ended',
}

export interface Refusal {
  readonly message: string
  readonly exitCode: number
}

/** Why a locked session refuses, and how to go on: the message's two lines. */
export function explainLock(guarded: GuardedSession): Refusal {
  const { message, cure } = refuseLocked(guarded)
  return refusal(message, cure)
}

/** A policy with a session for each terminal, and a command that belongs to none. */
export function refuseNoTerminal({ policy }: GuardedSession): GuardError {
  return new GuardError(
    'no-terminal',
    `${policy} is unlocked for one terminal at a time, and this command has none`,
    {
      cure: `run it at a terminal, and there: kubeguard unlock ${policy}`,
    },
  )
}

/** The same, for a caller that throws. */
export function refuseLocked(guarded: GuardedSession): GuardError {
  return new GuardError('locked', lockedSince(guarded), { cure: `run: kubeguard unlock ${guarded.policy}` })
}

/** `prod is locked since 14:03 (idle too long)` */
export function lockedSince({ session, policy }: GuardedSession): string {
  const lock = session.state === 'unlocked' ? undefined : session.lock
  const why = lock === undefined ? '' : ` since ${clockTime(lock.at.wallMs)} (${reasons[lock.reason]})`
  return `${policy} is locked${why}`
}

/** Two lines for stderr: what, and the cure. */
export function refusal(
  message: string,
  cure: string,
  exitCode: number = errorCatalogue.locked.exitCode,
): Refusal {
  return { message: `kubeguard: ${message}\n${cure}`, exitCode }
}

/** A refusal as the gate's answer, to the shim and to the plugin alike. */
export function deny({ message, exitCode }: Refusal): Refusal & { readonly verdict: 'deny' } {
  return { verdict: 'deny', message, exitCode }
}

export function clockTime(wallMs: number): string {
  const date = new Date(wallMs)
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`
}

/** The same, to the second. */
export const clockTimeToSecond = (wallMs: number): string =>
  `${clockTime(wallMs)}:${String(new Date(wallMs).getSeconds()).padStart(2, '0')}`
