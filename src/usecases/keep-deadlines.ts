import { timeLeft } from '../domain/session.ts'
import type { Instant, Session } from '../domain/session.ts'
import type { GuardedSession } from './guarded-session.ts'
import type { Alarm, Clock, Log, Terminals } from './ports.ts'
import type { SessionTable } from './session-table.ts'
import type { TellShells } from './tell-shells.ts'
import { watchPresence } from './watch-presence.ts'

interface Deps {
  readonly clock: Clock
  readonly log: Log
  readonly terminals: Terminals
  readonly table: SessionTable
  readonly alarm: Alarm
  readonly shells: Pick<TellShells, 'warn'>
}

/** How often keepers hear that the daemon is alive, while a session is unlocked. */
const heartbeatMs = 5_000

/** The moment, on the boot clock, at which an open session locks unless a human is seen before. */
export function nextDeadline(session: Extract<Session, { state: 'unlocked' }>, now: Instant): number {
  const left = timeLeft(session, now)
  return now.bootMs + Math.max(0, Math.min(left.idleMs, left.lifetimeMs))
}

/**
 * Looks at every open session: its terminals, then its deadlines; tells its keeper that the daemon is
 * alive; and sets the alarm for the next look. While everything is locked nothing is set, and nothing wakes.
 */
export function keepDeadlines(deps: Deps): void {
  for (const guarded of deps.table.all()) {
    watchPresence(deps, guarded)
    tellKeeper(deps, guarded)
  }
  rearm(deps)
}

/**
 * Warns of the locks that are near, and sets the alarm to the earliest deadline or warning or the next heartbeat;
 * to none while everything is locked.
 */
export function rearm({ table, clock, alarm, shells }: Omit<Deps, 'log' | 'terminals'>): void {
  const now = clock.now()
  const moments = table.all().flatMap((guarded) => {
    if (guarded.session.state !== 'unlocked') return []
    const warningMs = shells.warn(guarded)
    return [nextDeadline(guarded.session, now), ...(warningMs === undefined ? [] : [now.bootMs + warningMs])]
  })
  alarm.set(moments.length === 0 ? undefined : Math.min(now.bootMs + heartbeatMs, ...moments))
}

function tellKeeper({ clock, log }: Deps, guarded: GuardedSession): void {
  const { session, keeper } = guarded
  if (session.state !== 'unlocked' || keeper === undefined) return
  const deadlineBootMs = nextDeadline(session, clock.now())
  const lifetimeWallMs = session.since.wallMs + session.limits.lifetimeMs
  keeper.live({ deadlineBootMs, lifetimeWallMs }).catch((error: unknown) => {
    log.warn('a keeper did not take the heartbeat', { policy: guarded.policy, error: String(error) })
  })
}
