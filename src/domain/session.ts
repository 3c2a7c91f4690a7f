import type { LockReason } from './event.ts'
import { holdLeftMs, runningHolds, tightenedHolds, withHold, withoutProcess } from './hold.ts'
import type { Hold, HeldProcess } from './hold.ts'
import { elapsedMs } from './instant.ts'
import type { Instant } from './instant.ts'

export type { Instant } from './instant.ts'

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
  /** What an idle lock will leave in peace. */
  readonly holds: readonly Hold[]
}

/** Locked by idleness, and open still for a few processes: never without one, and never past the lifetime. */
interface Held {
  readonly state: 'held'
  readonly generation: number
  readonly lock: LastLock
  readonly since: Instant
  readonly limits: Limits
  readonly holds: readonly Hold[]
  /** Somebody is being asked for the passphrase meanwhile. */
  readonly unlocking: boolean
}

/** One policy's session. Only `unlocked` and `held` have deadlines: "locked with a deadline" can't be written. */
export type Session = Locked | Unlocking | Unlocked | Held

export type SessionEvent =
  | { readonly type: 'unlock-begun' }
  | { readonly type: 'unlock-proven'; readonly generation: number; readonly limits: Limits }
  | { readonly type: 'unlock-failed'; readonly generation: number }
  | { readonly type: 'human-seen'; readonly at: Instant }
  | { readonly type: 'limits-tightened'; readonly limits: Limits }
  /** A person's word for a job, or a client that writes. */
  | { readonly type: 'hold-given'; readonly hold: Hold }
  | { readonly type: 'hold-ended'; readonly process: HeldProcess }
  | { readonly type: 'holds-tightened'; readonly hold: 'allow' | 'never'; readonly finishMs: number }
  | { readonly type: 'lock'; readonly reason: LockReason }
  | { readonly type: 'time-passed' }

/** What the outside world must do, in this order; see "Lock order" in docs/architecture.md. */
export type Effect =
  | { readonly type: 'end-session'; readonly reason: LockReason }
  /** End all but what the session is held for now; again each time that there is less of it. */
  | { readonly type: 'narrow-session'; readonly reason: LockReason }
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
 * passed locks first, whatever else the event would have done, so that a lock always wins. What was so
 * before the deadline is taken in first: the terminal tells of a key, and the process table of an end,
 * only when it is looked at.
 */
export function transition(before: Session, event: SessionEvent, now: Instant): Transition {
  const passed = passTime(lookBack(before, event, now), now, hasHolds(before) ? before.holds.length : 0)
  const after = apply(passed.session, event, now)
  return { session: after.session, effects: [...passed.effects, ...after.effects] }
}

function lookBack(before: Session, event: SessionEvent, now: Instant): Session {
  if (event.type === 'human-seen') return seeHuman(before, event.at, now)
  if (event.type !== 'hold-ended' || !hasHolds(before)) return before
  return { ...before, holds: withoutProcess(before.holds, event.process) }
}

function passTime(session: Session, now: Instant, heldBefore: number): Transition {
  const reason = overdue(session, now)
  if (reason === 'idle' && session.state === 'unlocked') return leaveHeld(session, 'idle', now)
  if (reason !== undefined) return lock(session, reason, now)
  if (!hasHolds(session)) return unchanged(session)
  return leaveHolds(session, runningHolds(session.holds, now), heldBefore)
}

const hasHolds = (session: Session): session is Unlocked | Held =>
  session.state === 'unlocked' || session.state === 'held'

function apply(session: Session, event: SessionEvent, now: Instant): Transition {
  switch (event.type) {
    case 'lock':
      return event.reason === 'screen-lock' ? leaveUnattended(session, now) : lock(session, event.reason, now)
    case 'unlock-begun':
      return unchanged(beginUnlock(session, now))
    case 'unlock-proven':
      return prove(session, event.generation, event.limits, now)
    case 'unlock-failed':
      return unchanged(session.generation === event.generation ? failUnlock(session) : session)
    case 'limits-tightened':
      return tighten(session, event.limits, now)
    case 'hold-given':
      return unchanged(giveHold(session, event.hold))
    case 'holds-tightened':
      return tightenHolds(session, event, now)
    case 'hold-ended':
    // One that ended by itself leaves no less to end: nothing of it is in sight any more.
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

/** A locked screen says what idleness says: nobody is there. What is held already stays so, but for who is being asked. */
function leaveUnattended(session: Session, now: Instant): Transition {
  if (session.state === 'held') {
    if (!session.unlocking) return unchanged(session)
    const asked: Held = { ...session, generation: session.generation + 1, unlocking: false }
    return { session: asked, effects: [{ type: 'narrow-session', reason: 'screen-lock' }] }
  }
  return session.state === 'unlocked'
    ? leaveHeld(session, 'screen-lock', now)
    : lock(session, 'screen-lock', now)
}

/** The lock of a session that nobody attends, alone of all, leaves what it was told to leave. */
function leaveHeld(session: Unlocked, reason: 'idle' | 'screen-lock', now: Instant): Transition {
  const running = runningHolds(session.holds, now)
  if (running.length === 0) return lock(session, reason, now)
  const { since, limits } = session
  const held: Held = {
    state: 'held',
    generation: session.generation + 1,
    lock: { reason, at: now },
    since,
    limits,
    holds: running.map((hold) => ({ ...hold, since: hold.since ?? now })),
    unlocking: false,
  }
  return { session: held, effects: [{ type: 'narrow-session', reason }] }
}

/** Where a held session serves fewer than `before`, what the others left behind is ended now. */
function leaveHolds(session: Unlocked | Held, holds: readonly Hold[], before: number): Transition {
  if (holds.length === before) return unchanged(holds === session.holds ? session : { ...session, holds })
  const left = { ...session, holds }
  return left.state === 'held'
    ? { session: left, effects: [{ type: 'narrow-session', reason: left.lock.reason }] }
    : unchanged(left)
}

function beginUnlock(session: Session, now: Instant): Session {
  if (session.state === 'held') return { ...session, unlocking: true }
  return session.state === 'locked'
    ? { state: 'unlocking', generation: session.generation, lock: session.lock, since: now }
    : session
}

function failUnlock(session: Session): Session {
  if (session.state === 'held') return { ...session, unlocking: false }
  return session.state === 'unlocking'
    ? { state: 'locked', generation: session.generation, lock: session.lock }
    : session
}

/** Proven while open already, as by a second prompt, it may shorten the session and never renews it. */
function prove(session: Session, generation: number, limits: Limits, now: Instant): Transition {
  const begun = session.state === 'held' ? session.unlocking : session.state !== 'locked'
  if (session.generation !== generation || !begun) return { session, effects: [{ type: 'unlock-refused' }] }
  const since = session.state === 'unlocked' ? session.since : now
  const kept = session.state === 'unlocked' ? strictest(session.limits, limits) : limits
  const holds = session.state === 'held' ? carriedOver(session, now) : hasHolds(session) ? session.holds : []
  const opened: Session = { state: 'unlocked', generation, since, lastHuman: now, limits: kept, holds }
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
  if (!hasHolds(session)) return unchanged(session)
  const tightened: Session = { ...session, limits: strictest(session.limits, limits) }
  const reason = overdue(tightened, now)
  return reason === undefined ? unchanged(tightened) : lock(tightened, 'policy-changed', now)
}

/** A word lasts as long as was said, and so within the lifetime it was given in; a writer's time begins anew. */
function carriedOver(session: Held, now: Instant): readonly Hold[] {
  const lifetimeMs = lifetimeLeftMs(session, now)
  return session.holds.map((hold) =>
    hold.kind === 'finish'
      ? { ...hold, since: undefined }
      : { ...hold, forMs: Math.min(holdLeftMs(hold, now), lifetimeMs), since: now },
  )
}

/** A word is given while a person is there, so in an open session alone. */
function giveHold(session: Session, hold: Hold): Session {
  return session.state === 'unlocked' ? { ...session, holds: withHold(session.holds, hold) } : session
}

function tightenHolds(
  session: Session,
  rules: Parameters<typeof tightenedHolds>[1],
  now: Instant,
): Transition {
  if (!hasHolds(session)) return unchanged(session)
  const holds = runningHolds(tightenedHolds(session.holds, rules), now)
  return session.state === 'held' && holds.length === 0
    ? lock(session, 'policy-changed', now)
    : leaveHolds(session, holds, session.holds.length)
}

const strictest = (a: Limits, b: Limits): Limits => ({
  idleMs: Math.min(a.idleMs, b.idleMs),
  lifetimeMs: Math.min(a.lifetimeMs, b.lifetimeMs),
})

/** Milliseconds left until each limit; negative when past. Whichever clock says less is right. */
export function timeLeft(session: Unlocked, now: Instant): { idleMs: number; lifetimeMs: number } {
  return {
    idleMs: session.limits.idleMs - elapsedMs(session.lastHuman, now),
    lifetimeMs: lifetimeLeftMs(session, now),
  }
}

/**
 * Milliseconds until a held session has less to serve (`nextMs`), and until it has nothing (`lastMs`),
 * each within the lifetime.
 */
export function heldTimeLeft(session: Held, now: Instant): { nextMs: number; lastMs: number } {
  const lifetimeMs = lifetimeLeftMs(session, now)
  const left = session.holds.map((hold) => holdLeftMs(hold, now))
  return {
    nextMs: Math.min(lifetimeMs, ...left),
    lastMs: Math.min(lifetimeMs, Math.max(0, ...left)),
  }
}

function lifetimeLeftMs({ since, limits }: Unlocked | Held, now: Instant): number {
  return limits.lifetimeMs - elapsedMs(since, now)
}

/** @returns why a session that serves somebody must be locked by now, or undefined. */
export function overdue(session: Session, now: Instant): LockReason | undefined {
  if (!hasHolds(session)) return undefined
  if (lifetimeLeftMs(session, now) <= 0) return 'lifetime'
  if (session.state === 'held') return heldTimeLeft(session, now).lastMs <= 0 ? 'idle' : undefined
  return timeLeft(session, now).idleMs <= 0 ? 'idle' : undefined
}
