import { heldTimeLeft, timeLeft } from '../domain/session.ts'
import type { Instant, Session } from '../domain/session.ts'
import { rootsOf } from './ended-clients.ts'
import { endsHolders } from './guarded-session.ts'
import type { GuardedSession } from './guarded-session.ts'
import type { LockOnDeparture } from './lock-on-departure.ts'
import type { Alarm, Clock, Log, ProcessTable, Reaper, Terminals, WatchedSession } from './ports.ts'
import type { SessionTable } from './session-table.ts'
import { suspensionLeftMs } from './suspended-streams.ts'
import type { SuspendedStreams } from './suspended-streams.ts'
import type { TellShells } from './tell-shells.ts'
import { dropDead } from './track-client.ts'
import { watchPresence } from './watch-presence.ts'

interface Deps {
  readonly clock: Clock
  readonly log: Log
  readonly processes: ProcessTable
  readonly reaper: Reaper
  readonly terminals: Terminals
  readonly table: SessionTable
  readonly alarm: Alarm
  readonly shells: Pick<TellShells, 'warn'>
  readonly suspended: Pick<SuspendedStreams, 'endOverdue' | 'watched'>
  readonly departures: Pick<LockOnDeparture, 'look'>
}

/** How often keepers and the reaper hear that the daemon is alive, while a session is unlocked. */
const heartbeatMs = 5_000

type Serving = Extract<Session, { state: 'unlocked' | 'held' }>

/** Has it a keeper, and so deadlines? */
const isServing = (session: Session): session is Serving =>
  session.state === 'unlocked' || session.state === 'held'

/** The moment, on the boot clock, at which a session serves nobody any more unless a human is seen before. */
export function nextDeadline(session: Serving, now: Instant): number {
  return (
    now.bootMs +
    Math.max(0, session.state === 'held' ? heldTimeLeft(session, now).lastMs : openMs(session, now))
  )
}

/** The moment at which something has to be locked, or narrowed further. */
function nextLook(session: Serving, now: Instant): number {
  return session.state === 'held'
    ? now.bootMs + Math.max(0, heldTimeLeft(session, now).nextMs)
    : nextDeadline(session, now)
}

function openMs(session: Extract<Session, { state: 'unlocked' }>, now: Instant): number {
  const left = timeLeft(session, now)
  return Math.min(left.idleMs, left.lifetimeMs)
}

/**
 * Looks at every open session: its terminals, then its deadlines; tells its keeper and the reaper
 * that the daemon is alive; ends suspended streams whose time is over; and sets the alarm for the next look. While everything is
 * locked, and nothing goes on behind a lock screen, nothing is set, and nothing wakes.
 */
export function keepDeadlines(deps: Deps): void {
  for (const guarded of deps.table.all()) {
    watchPresence(deps, guarded)
    tellKeeper(deps, guarded)
    deps.suspended.endOverdue(guarded)
  }
  tellReaper(deps)
  deps.departures.look()
  rearm(deps)
}

/**
 * Warns of the locks that are near, and sets the alarm to the earliest deadline or warning or the next heartbeat;
 * to none while everything is locked.
 */
export function rearm({
  table,
  clock,
  alarm,
  shells,
}: Pick<Deps, 'table' | 'clock' | 'alarm' | 'shells'>): void {
  const now = clock.now()
  const moments = table.all().flatMap((guarded) => {
    const { suspended } = guarded
    const over =
      suspended === undefined
        ? []
        : [now.bootMs + Math.max(0, suspensionLeftMs(table.rules(guarded.policy), suspended, now))]
    if (!isServing(guarded.session)) return over
    const warningMs = shells.warn(guarded)
    return [
      ...over,
      nextLook(guarded.session, now),
      ...(warningMs === undefined ? [] : [now.bootMs + warningMs]),
    ]
  })
  // On a grid: whoever asks for this again and again must not put the next heartbeat off each time.
  const beatMs = (Math.floor(now.bootMs / heartbeatMs) + 1) * heartbeatMs
  alarm.set(moments.length === 0 ? undefined : Math.min(beatMs, ...moments))
}

function deadlinesOf({ session }: GuardedSession, clock: Clock) {
  if (!isServing(session)) return undefined
  const lifetimeWallMs = session.since.wallMs + session.limits.lifetimeMs
  return { deadlineBootMs: nextDeadline(session, clock.now()), lifetimeWallMs }
}

function tellReaper({ clock, processes, reaper, suspended, table }: Deps): void {
  const sessions = table.all().flatMap((guarded): WatchedSession[] => {
    const deadlines = deadlinesOf(guarded, clock)
    const behind = suspended.watched(guarded)
    const over = behind === undefined ? [] : [behind]
    if (deadlines === undefined) return over
    dropDead(processes, guarded.clients)
    return [
      ...over,
      { name: guarded.name, ...deadlines, roots: rootsOf(guarded, endsHolders(table, guarded)) },
    ]
  })
  if (sessions.length > 0) reaper.live(sessions)
}

function tellKeeper({ clock, log }: Deps, guarded: GuardedSession): void {
  const deadlines = deadlinesOf(guarded, clock)
  if (deadlines === undefined || guarded.keeper === undefined) return
  guarded.keeper.live(deadlines).catch((error: unknown) => {
    log.warn('a keeper did not take the heartbeat', { policy: guarded.policy, error: String(error) })
  })
}
