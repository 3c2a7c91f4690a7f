import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LockReason } from '../../../src/domain/event.ts'
import { initialSession, overdue, timeLeft, transition } from '../../../src/domain/session.ts'
import type { Instant, Limits, Session, SessionEvent } from '../../../src/domain/session.ts'

const limits: Limits = { idleMs: 100, lifetimeMs: 1_000 }
const at = (ms: number, wallMs = ms): Instant => ({ bootMs: ms, wallMs })

/** A session after these events, each at its time. */
function after(...steps: [SessionEvent, Instant][]): Session {
  return steps.reduce((session, [event, now]) => transition(session, event, now).session, initialSession())
}
const begun: [SessionEvent, Instant] = [{ type: 'unlock-begun' }, at(0)]
const proven: [SessionEvent, Instant] = [{ type: 'unlock-proven', generation: 0, limits }, at(0)]
const lockEvent = (reason: LockReason): SessionEvent => ({ type: 'lock', reason })
const passed: SessionEvent = { type: 'time-passed' }

describe('a session', () => {
  it('begins locked, and opens by an unlock', () => {
    expect(initialSession()).toEqual({ state: 'locked', generation: 0, lock: undefined })
    expect(after(begun)).toMatchObject({ state: 'unlocking', generation: 0 })
    expect(after(begun, proven)).toEqual({
      state: 'unlocked',
      generation: 0,
      since: at(0),
      lastHuman: at(0),
      limits,
    })
  })

  it('does not open without having begun', () => {
    const { session, effects } = transition(initialSession(), proven[0], at(0))
    expect(session.state).toBe('locked')
    expect(effects).toEqual([{ type: 'unlock-refused' }])
  })

  it('does not open by an unlock that a lock overtook', () => {
    const locked = after(begun, [lockEvent('manual'), at(1)], [{ type: 'unlock-begun' }, at(2)])
    expect(locked).toMatchObject({ state: 'unlocking', generation: 1 })
    expect(transition(locked, proven[0], at(3)).effects).toEqual([{ type: 'unlock-refused' }])
    expect(transition(locked, proven[0], at(3)).session.state).toBe('unlocking')
  })

  it('keeps the reason of the lock over a failed unlock', () => {
    const lock = { reason: 'idle' as const, at: at(100) }
    const failed = after(
      begun,
      proven,
      [passed, at(100)],
      [{ type: 'unlock-begun' }, at(200)],
      [{ type: 'unlock-failed', generation: 1 }, at(300)],
    )
    expect(failed).toEqual({ state: 'locked', generation: 1, lock })
  })

  it.each<[string, Instant, LockReason | undefined]>([
    ['just before the idle limit', at(99), undefined],
    ['at the idle limit', at(100), 'idle'],
    ['suspended past it', at(5_000, 5_000), 'lifetime'],
    ['wall clock set forward', at(1, 150), 'idle'],
    ['wall clock set back', at(99, -5_000), undefined],
    ['wall clock set back, past it', at(100, -5_000), 'idle'],
    ['wall clock set far forward', at(1, 10_000), 'lifetime'],
  ])('%s', (_name, now, reason) => {
    const { session, effects } = transition(after(begun, proven), passed, now)
    expect(session.state).toBe(reason === undefined ? 'unlocked' : 'locked')
    expect(effects).toEqual(reason === undefined ? [] : [{ type: 'end-session', reason }])
  })

  it('stays open while a human is seen, until its lifetime', () => {
    let session = after(begun, proven)
    for (let ms = 50; ms < 1_000; ms += 50)
      session = transition(session, { type: 'human-seen', at: at(ms) }, at(ms)).session
    expect(session.state).toBe('unlocked')
    expect(transition(session, { type: 'human-seen', at: at(1_000) }, at(1_000)).session).toMatchObject({
      state: 'locked',
      lock: { reason: 'lifetime' },
    })
  })

  it.each<[string, Instant]>([
    ['in the future', at(60)],
    ['in the future of the wall clock', at(50, 51)],
    ['before the latest', at(-1)],
    ['long ago on the wall clock', at(50, -60)],
  ])('takes no sighting %s', (_name, seen) => {
    const session = after(begun, proven)
    expect(transition(session, { type: 'human-seen', at: seen }, at(50)).session).toEqual(session)
  })

  it('counts a key typed in time that is noticed late, and none typed too late', () => {
    const notice = (seenMs: number, nowMs: number) =>
      transition(after(begun, proven), { type: 'human-seen', at: at(seenMs) }, at(nowMs)).session.state
    expect(notice(99, 120)).toBe('unlocked')
    expect(notice(100, 120)).toBe('locked')
    expect(notice(99, 199)).toBe('locked')
  })

  it('tightens at once and never loosens', () => {
    const open = after(begun, proven)
    const tighter = transition(
      open,
      { type: 'limits-tightened', limits: { idleMs: 60, lifetimeMs: 5_000 } },
      at(50),
    )
    expect(tighter.session).toMatchObject({ state: 'unlocked', limits: { idleMs: 60, lifetimeMs: 1_000 } })
    const { session, effects } = transition(
      open,
      { type: 'limits-tightened', limits: { idleMs: 50, lifetimeMs: 50 } },
      at(50),
    )
    expect(session).toMatchObject({ state: 'locked', generation: 1 })
    expect(effects).toEqual([{ type: 'end-session', reason: 'policy-changed' }])
  })

  it('a second unlock of an open session shortens it, and never renews it', () => {
    const again = (lifetimeMs: number) =>
      transition(
        after(begun, proven),
        { type: 'unlock-proven', generation: 0, limits: { idleMs: 500, lifetimeMs } },
        at(90),
      )
    expect(again(5_000).session).toEqual({
      state: 'unlocked',
      generation: 0,
      since: at(0),
      lastHuman: at(90),
      limits,
    })
    expect(again(80).session).toMatchObject({ state: 'locked', generation: 1 })
    expect(again(80).effects).toEqual([
      { type: 'end-session', reason: 'lifetime' },
      { type: 'unlock-refused' },
    ])
  })

  it('tells what is left by the clock that says less', () => {
    const open = after(begun, proven)
    if (open.state !== 'unlocked') throw new Error('not open')
    expect(timeLeft(open, at(10, 30))).toEqual({ idleMs: 70, lifetimeMs: 970 })
    expect(timeLeft(open, at(40, -30))).toEqual({ idleMs: 60, lifetimeMs: 960 })
  })
})

/** Any event, with generations and times around the true ones, and limits that may be absurd. */
const anyLimits = fc.record({
  idleMs: fc.integer({ min: -5, max: 60 }),
  lifetimeMs: fc.integer({ min: -5, max: 120 }),
})
const anyReason = fc.constantFrom<LockReason>(
  'idle',
  'manual',
  'suspend',
  'screen-lock',
  'misuse',
  'policy-changed',
  'keeper-lost',
)
const anyStep = fc.record({
  kind: fc.constantFrom<SessionEvent['type']>(
    'unlock-begun',
    'unlock-proven',
    'unlock-proven',
    'unlock-failed',
    'human-seen',
    'human-seen',
    'limits-tightened',
    'lock',
    'time-passed',
  ),
  /** An attempt belongs to the generation it began under: now, or some locks ago; never to a later one. */
  staleBy: fc.nat(2),
  limits: anyLimits,
  reason: anyReason,
  seenBootMs: fc.integer({ min: -80, max: 20 }),
  seenWallMs: fc.integer({ min: -80, max: 20 }),
  /** Time goes on, with suspends; the wall clock is also set, forward and back. */
  passMs: fc.oneof(fc.nat(15), fc.nat(200)),
  jumpMs: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: -500, max: 500 })),
})
type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never

function eventOf(step: Step, generation: number, now: Instant): SessionEvent {
  switch (step.kind) {
    case 'unlock-proven':
      return { type: step.kind, generation: generation - step.staleBy, limits: step.limits }
    case 'unlock-failed':
      return { type: step.kind, generation: generation - step.staleBy }
    case 'human-seen':
      return {
        type: step.kind,
        at: { bootMs: now.bootMs + step.seenBootMs, wallMs: now.wallMs + step.seenWallMs },
      }
    case 'limits-tightened':
      return { type: step.kind, limits: step.limits }
    case 'lock':
      return { type: step.kind, reason: step.reason }
    default:
      return { type: step.kind }
  }
}

interface Move {
  readonly before: Session
  readonly event: SessionEvent
  readonly now: Instant
  readonly session: Session
  readonly ended: boolean
}

function play(steps: readonly Step[]): Move[] {
  let session = initialSession()
  let now: Instant = at(1_000)
  return steps.map((step) => {
    now = { bootMs: now.bootMs + step.passMs, wallMs: now.wallMs + step.passMs + step.jumpMs }
    const before = session
    const event = eventOf(step, session.generation, now)
    const result = transition(session, event, now)
    session = result.session
    return { before, event, now, session, ended: result.effects.some(({ type }) => type === 'end-session') }
  })
}

const always = (check: (moves: Move[]) => void): void => {
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 1, maxLength: 60 }), (steps) => check(play(steps))),
    { numRuns: 1_500 },
  )
}

describe('no sequence of events, clock jumps, suspends and races', () => {
  it('opens a session but by an unlock that began after the last lock', () => {
    always((moves) => {
      /** The generation in which an unlock has begun and no lock has come since. */
      let valid: number | undefined
      for (const { before, event, session, ended } of moves) {
        const opened =
          session.state === 'unlocked' &&
          (before.state !== 'unlocked' || before.generation !== session.generation)
        if (opened) {
          expect(event).toMatchObject({ type: 'unlock-proven', generation: session.generation })
          expect(valid).toBe(session.generation)
        }
        if (ended) valid = undefined
        if (event.type === 'unlock-begun' && session.state === 'unlocking') valid = session.generation
      }
    })
  })

  it('survives a lock', () => {
    always((moves) => {
      for (const { before, event, session, ended } of moves) {
        if (event.type === 'lock') expect(session.state).toBe('locked')
        if (event.type === 'lock' || ended) expect(session.generation).toBeGreaterThan(before.generation)
        if (ended) expect(session.state).not.toBe('unlocked')
        if (before.state === 'unlocked' && session.state !== 'unlocked') expect(ended).toBe(true)
        expect(session.generation).toBeGreaterThanOrEqual(before.generation)
      }
    })
  })

  it('leaves a session open past a deadline', () => {
    always((moves) => {
      for (const { session, now } of moves) {
        expect(overdue(session, now)).toBeUndefined()
        if (session.state !== 'unlocked') continue
        const left = timeLeft(session, now)
        expect(Math.min(left.idleMs, left.lifetimeMs)).toBeGreaterThan(0)
      }
    })
  })

  it('loosens limits, renews a lifetime or takes a human for later than now', () => {
    always((moves) => {
      for (const { before, session, now } of moves) {
        if (session.state !== 'unlocked') continue
        expect(session.lastHuman.bootMs).toBeLessThanOrEqual(now.bootMs)
        if (before.state !== 'unlocked') continue
        expect(session.since).toEqual(before.since)
        expect(session.limits.idleMs).toBeLessThanOrEqual(before.limits.idleMs)
        expect(session.limits.lifetimeMs).toBeLessThanOrEqual(before.limits.lifetimeMs)
        expect(session.lastHuman.bootMs).toBeGreaterThanOrEqual(before.lastHuman.bootMs)
      }
    })
  })

  it('keeps a session open for longer than its limits, by either clock, without a human', () => {
    always((moves) => {
      let opened: Instant | undefined
      let human: Instant | undefined
      for (const { before, event, session, now } of moves) {
        if (session.state !== 'unlocked') continue
        if (before.state !== 'unlocked') opened = now
        if (before.state !== 'unlocked' || event.type === 'unlock-proven' || event.type === 'human-seen')
          human = session.lastHuman
        for (const clock of ['bootMs', 'wallMs'] as const) {
          expect(now[clock] - (opened as Instant)[clock]).toBeLessThan(session.limits.lifetimeMs)
          expect(now[clock] - (human as Instant)[clock]).toBeLessThan(session.limits.idleMs)
        }
      }
    })
  })
})

it('the properties do reach open sessions, locks of each kind and refused unlocks', () => {
  const seen = new Set<string>()
  for (const steps of fc.sample(fc.array(anyStep, { minLength: 60, maxLength: 60 }), {
    numRuns: 300,
    seed: 1,
  })) {
    for (const { session } of play(steps)) {
      seen.add(session.state)
      if (session.state === 'locked' && session.lock !== undefined) seen.add(session.lock.reason)
    }
  }
  for (const what of ['locked', 'unlocking', 'unlocked', 'idle', 'lifetime', 'policy-changed', 'manual'])
    expect(seen).toContain(what)
})
