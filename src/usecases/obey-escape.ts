import { formatDuration } from '../domain/duration.ts'
import type { EscapeCommand } from '../domain/escape-key.ts'
import { heldTimeLeft, timeLeft } from '../domain/session.ts'
import { lockedSince } from './explain-lock.ts'
import type { GuardedSession } from './guarded-session.ts'
import type { LockSession } from './lock-session.ts'
import type { Clock } from './ports.ts'
import type { SessionTable } from './session-table.ts'
import type { Supervisors } from './supervisors.ts'

interface Deps {
  readonly clock: Clock
  readonly table: SessionTable
  readonly supervisors: Supervisors
  readonly lockSession: LockSession
}

/** Does what was asked for by an escape in a supervised stream. @throws GuardError `client-unknown` */
export async function obeyEscape(deps: Deps, pid: number, command: EscapeCommand): Promise<void> {
  const { table, supervisors, lockSession, clock } = deps
  const { guarded, escape } = supervisors.streamOf(pid)
  const { policy } = guarded
  if (command === 'lock') await Promise.all(table.allOf(policy).map((one) => lockSession.lock(one, 'manual')))
  else supervisors.tell(pid, command === 'time' ? timeText(guarded, clock) : helpText(policy, escape))
}

/** The key that asked is typing itself, so what is left of the idle limit is all of it. */
function timeText(guarded: GuardedSession, clock: Clock): string {
  const { session, policy } = guarded
  const now = clock.now()
  if (session.state === 'held')
    return `kubeguard: ${policy} is locked; what is held goes on for ${formatDuration(heldTimeLeft(session, now).lastMs)}`
  if (session.state !== 'unlocked') return `kubeguard: ${lockedSince(guarded)}`
  const { lifetimeMs } = timeLeft(session, now)
  const inAnyCase = `in ${formatDuration(lifetimeMs)} in any case`
  if (lifetimeMs <= session.limits.idleMs) return `kubeguard: ${policy} locks ${inAnyCase}`
  return `kubeguard: ${policy} locks after ${formatDuration(session.limits.idleMs)} without a key, and ${inAnyCase}`
}

function helpText(policy: string, escape: string): string {
  return `kubeguard: at the start of a line, key by key
  ${escape} l  lock ${policy} now
  ${escape} t  when it locks by itself
  ${escape} ${escape}  ${escape} itself
  ${escape} ?  these lines`
}
