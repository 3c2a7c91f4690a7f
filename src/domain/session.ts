import type { LockReason } from './event.ts'

/** A moment on both clocks: `bootMs` counts suspended time (boot time), `wallMs` is the Unix time. */
export interface Instant {
  readonly bootMs: number
  readonly wallMs: number
}

/** The limits of one session, fixed at its unlock; only a tightening reaches a session that is open. */
export interface Limits {
  readonly idleMs: number
  readonly lifetimeMs: number
}

/** Why and when it locked last; undefined for a session that was never open under this daemon. */
interface LastLock {
  readonly reason: LockReason
  readonly at: Instant
}

interface Locked {
  readonly state: 'locked'
  readonly generation: number
  readonly lock: LastLock | undefined
}

interface Unlocking {
  readonly state: 'unlocking'
  readonly generation: number
  /** Kept, so that a failed unlock leaves the reason of the lock to be shown. */
  readonly lock: LastLock | undefined
  readonly since: Instant
}

interface Unlocked {
  readonly state: 'unlocked'
  readonly generation: number
  readonly since: Instant
  readonly lastHuman: Instant
  readonly limits: Limits
}

/** One policy's session. Only `unlocked` has deadlines: "locked with a deadline" can't be written. */
export type Session = Locked | Unlocking | Unlocked

export type SessionEvent =
  | { readonly type: 'unlock-begun' }
  | { readonly type: 'unlock-proven'; readonly generation: number; readonly limits: Limits }
  | { readonly type: 'unlock-failed'; readonly generation: number }
  | { readonly type: 'human-seen'; readonly at: Instant }
  | { readonly type: 'limits-tightened'; readonly limits: Limits }
  | { readonly type: 'lock'; readonly reason: LockReason }
  | { readonly type: 'time-passed' }

/** What the outside world must do, in this order; see "Lock order" in docs/architecture.md. */
export type Effect =
  | { readonly type: 'end-session'; readonly reason: LockReason }
  | { readonly type: 'session-opened' }
  | { readonly type: 'unlock-refused' }

export interface Transition {
  readonly session: Session
  readonly effects: readonly Effect[]
}

/** Every session begins locked, so a daemon that starts has nothing to trust. */
export function initialSession(): Session {
  return { state: 'locked', generation: 0, lock: undefined }
}

/**
 * The one place where a session changes. Time is looked at before the event: a deadline that has
 * passed locks first, whatever else the event would have done, so that a lock always wins. A human
 * seen before the deadline is taken in first: the terminal tells of a key only when it is looked at.
 */
export function transition(before: Session, event: SessionEvent, now: Instant): Transition {
  const session = event.type === 'human-seen' ? seeHuman(before, event.at, now) : before
  const reason = overdue(session, now)
  if (reason !== undefined) {
    const locked = lock(session, reason, now)
    const after = apply(locked.session, event, now)
    return { session: after.session, effects: [...locked.effects, ...after.effects] }
  }
  return apply(session, event, now)
}

function apply(session: Session, event: SessionEvent, now: Instant): Transition {
  switch (event.type) {
    case 'lock':
      return lock(session, event.reason, now)
    case 'unlock-begun':
      return session.state === 'locked'
        ? unchanged({ state: 'unlocking', generation: session.generation, lock: session.lock, since: now })
        : unchanged(session)
    case 'unlock-proven':
      return prove(session, event.generation, event.limits, now)
    case 'unlock-failed':
      return session.state === 'unlocking' && session.generation === event.generation
        ? unchanged({ state: 'locked', generation: session.generation, lock: session.lock })
        : unchanged(session)
    case 'limits-tightened':
      return tighten(session, event.limits, now)
    case 'human-seen':
    case 'time-passed':
      return unchanged(session)
  }
}

const unchanged = (session: Session): Transition => ({ session, effects: [] })

/** Every lock raises the generation, whatever the state: an unlock under way can't outlive it. */
function lock(session: Session, reason: LockReason, now: Instant): Transition {
  return {
    session: { state: 'locked', generation: session.generation + 1, lock: { reason, at: now } },
    effects: [{ type: 'end-session', reason }],
  }
}

/** Proven while open already, as by a second prompt, it may shorten the session and never renews it. */
function prove(session: Session, generation: number, limits: Limits, now: Instant): Transition {
  if (session.generation !== generation || session.state === 'locked') {
    return { session, effects: [{ type: 'unlock-refused' }] }
  }
  const since = session.state === 'unlocked' ? session.since : now
  const kept = session.state === 'unlocked' ? strictest(session.limits, limits) : limits
  const opened: Session = { state: 'unlocked', generation, since, lastHuman: now, limits: kept }
  const reason = overdue(opened, now)
  if (reason === undefined) return { session: opened, effects: [{ type: 'session-opened' }] }
  const locked = lock(opened, reason, now)
  return { session: locked.session, effects: [...locked.effects, { type: 'unlock-refused' }] }
}

/**
 * A sighting from the future, from before the latest one, from after a deadline, or so old by either
 * clock that its own deadline has passed, proves nothing.
 */
function seeHuman(session: Session, at: Instant, now: Instant): Session {
  if (session.state !== 'unlocked') return session
  if (at.bootMs > now.bootMs || at.wallMs > now.wallMs) return session
  const { lastHuman } = session
  if (at.bootMs <= lastHuman.bootMs || overdue(session, at) !== undefined) return session
  const seen: Session = { ...session, lastHuman: at }
  return overdue(seen, now) === undefined ? seen : session
}

function tighten(session: Session, limits: Limits, now: Instant): Transition {
  if (session.state !== 'unlocked') return unchanged(session)
  const tightened: Session = { ...session, limits: strictest(session.limits, limits) }
  const reason = overdue(tightened, now)
  return reason === undefined ? unchanged(tightened) : lock(tightened, 'policy-changed', now)
}

const strictest = (a: Limits, b: Limits): Limits => ({
  idleMs: Math.min(a.idleMs, b.idleMs),
  lifetimeMs: Math.min(a.lifetimeMs, b.lifetimeMs),
})

/** Milliseconds left until each limit; negative when past. Whichever clock says less is right. */
export function timeLeft(session: Unlocked, now: Instant): { idleMs: number; lifetimeMs: number } {
  return {
    idleMs: session.limits.idleMs - elapsed(session.lastHuman, now),
    lifetimeMs: session.limits.lifetimeMs - elapsed(session.since, now),
  }
}

/** The longer of the two elapsed times: setting the wall clock back gains nothing, setting it forward locks. */
function elapsed(since: Instant, now: Instant): number {
  return Math.max(now.bootMs - since.bootMs, now.wallMs - since.wallMs)
}

/** @returns why an open session must be locked by now, or undefined. */
export function overdue(session: Session, now: Instant): LockReason | undefined {
  if (session.state !== 'unlocked') return undefined
  const left = timeLeft(session, now)
  if (left.lifetimeMs <= 0) return 'lifetime'
  return left.idleMs <= 0 ? 'idle' : undefined
}
