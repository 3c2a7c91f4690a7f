import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LockReason } from '../../../src/domain/event.ts'
import { holdLeftMs, isSameProcess } from '../../../src/domain/hold.ts'
import type { Hold } from '../../../src/domain/hold.ts'
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
      holds: [],
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
      holds: [],
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

const job = { pid: 100, startTicks: 1 }
const other = { pid: 200, startTicks: 2 }
const word = (forMs: number, process = job, since: Instant | undefined = at(0)): SessionEvent => ({
  type: 'hold-given',
  hold: { process, kind: 'hold', forMs, since },
})
const writing = (forMs: number, process = other): SessionEvent => ({
  type: 'hold-given',
  hold: { process, kind: 'finish', forMs, since: undefined },
})
const narrowed = { type: 'narrow-session', reason: 'idle' }
const endedBy = (reason: LockReason) => ({ type: 'end-session', reason })

describe('a held session', () => {
  const held = (...given: SessionEvent[]): Session =>
    after(begun, proven, ...given.map((event): [SessionEvent, Instant] => [event, at(0)]), [passed, at(100)])

  it('is what an idle lock leaves where a job was held, with a generation of its own', () => {
    const open = after(begun, proven, [word(300), at(0)])
    const { session, effects } = transition(open, passed, at(100))
    expect(session).toMatchObject({ state: 'held', generation: 1, lock: { reason: 'idle', at: at(100) } })
    expect(effects).toEqual([narrowed])
  })

  it.each<LockReason>([
    'manual',
    'suspend',
    'logout',
    'disconnect',
    'policy-changed',
    'keeper-lost',
    'daemon-stopped',
  ])('is none after a lock for another reason: %s', (reason) => {
    const open = after(begun, proven, [word(300), at(0)])
    expect(transition(open, lockEvent(reason), at(10)).session.state).toBe('locked')
    const { session, effects } = transition(held(word(300)), lockEvent(reason), at(110))
    expect(session).toMatchObject({ state: 'locked', generation: 2, lock: { reason } })
    expect(effects).toEqual([endedBy(reason)])
  })

  it('is what a locked screen leaves, too, and it stays so under another one', () => {
    const open = after(begun, proven, [word(300), at(0)])
    const { session, effects } = transition(open, lockEvent('screen-lock'), at(10))
    expect(session).toMatchObject({
      state: 'held',
      generation: 1,
      lock: { reason: 'screen-lock', at: at(10) },
    })
    expect(effects).toEqual([{ ...narrowed, reason: 'screen-lock' }])
    expect(transition(session, lockEvent('screen-lock'), at(20))).toEqual({ session, effects: [] })
    const asked = transition(session, { type: 'unlock-begun' }, at(20)).session
    expect(transition(asked, lockEvent('screen-lock'), at(30)).session).toMatchObject({
      state: 'held',
      generation: 2,
      unlocking: false,
    })
  })

  it('is none where the word has run out by the idle lock, or the job is over', () => {
    expect(held(word(100)).state).toBe('locked')
    const over = after(begun, proven, [word(300), at(0)])
    const { session, effects } = transition(over, { type: 'hold-ended', process: job }, at(100))
    expect(session.state).toBe('locked')
    expect(effects).toEqual([endedBy('idle')])
  })

  it('locks when its time is over, when its job is, and at the lifetime at the latest', () => {
    expect(transition(held(word(300)), passed, at(299)).session.state).toBe('held')
    expect(transition(held(word(300)), passed, at(300)).effects).toEqual([endedBy('idle')])
    expect(transition(held(word(300)), passed, at(101, 300)).effects).toEqual([endedBy('idle')])
    const done: SessionEvent = { type: 'hold-ended', process: job }
    expect(transition(held(word(300)), done, at(150)).effects).toEqual([endedBy('idle')])
    expect(transition(held(word(9_999)), passed, at(999)).session.state).toBe('held')
    expect(transition(held(word(9_999)), passed, at(1_000)).effects).toEqual([endedBy('lifetime')])
  })

  it('narrows each time that there is less to serve', () => {
    const two = held(word(300), word(500, other))
    const { session, effects } = transition(two, passed, at(300))
    expect(session).toMatchObject({ state: 'held', generation: 1, holds: [{ process: other }] })
    expect(effects).toEqual([narrowed])
    expect(transition(two, { type: 'hold-ended', process: other }, at(150)).effects).toEqual([narrowed])
    expect(
      transition(two, { type: 'hold-ended', process: { pid: 1, startTicks: 1 } }, at(150)).effects,
    ).toEqual([])
  })

  it('gives a writer its time from the idle lock on', () => {
    expect(transition(held(writing(50)), passed, at(149)).session.state).toBe('held')
    expect(transition(held(writing(50)), passed, at(150)).effects).toEqual([endedBy('idle')])
  })

  it('takes no new word, and no sign of a person', () => {
    expect(transition(held(word(300)), word(900, other), at(110)).session).toEqual(held(word(300)))
    expect(transition(held(word(300)), { type: 'human-seen', at: at(109) }, at(110)).session).toEqual(
      held(word(300)),
    )
  })

  it('opens by an unlock that began after the idle lock, and by no other', () => {
    const proof = (generation: number): SessionEvent => ({ type: 'unlock-proven', generation, limits })
    expect(transition(held(word(300)), proof(1), at(110)).effects).toEqual([{ type: 'unlock-refused' }])
    const asked = transition(held(word(300)), { type: 'unlock-begun' }, at(110)).session
    expect(asked).toMatchObject({ state: 'held', unlocking: true })
    expect(transition(asked, proof(0), at(110)).effects).toEqual([{ type: 'unlock-refused' }])
    const open = transition(asked, proof(1), at(120)).session
    expect(open).toMatchObject({ state: 'unlocked', since: at(120), holds: [{ process: job }] })
    const failed = transition(asked, { type: 'unlock-failed', generation: 1 }, at(120)).session
    expect(transition(failed, proof(1), at(121)).effects).toEqual([{ type: 'unlock-refused' }])
  })

  it('carries a word over an unlock as it was said, and gives a writer its time anew', () => {
    const asked = transition(held(word(9_999), writing(50)), { type: 'unlock-begun' }, at(110)).session
    const longer = { idleMs: 100, lifetimeMs: 50_000 }
    const proof: SessionEvent = { type: 'unlock-proven', generation: 1, limits: longer }
    expect(transition(asked, proof, at(120)).session).toMatchObject({
      // Until 1,000, when the lifetime ends that it was given in.
      holds: [
        { process: job, forMs: 880, since: at(120) },
        { process: other, forMs: 50, since: undefined },
      ],
    })
  })

  it('keeps a person’s word above the policy’s, one per process, and no more than have room', () => {
    const holdsOf = (session: Session) => (session.state === 'unlocked' ? session.holds : [])
    const both = after(begun, proven, [word(300), at(0)], [writing(50, job), at(0)])
    expect(holdsOf(both)).toMatchObject([{ kind: 'hold', forMs: 300 }])
    const many = Array.from({ length: 70 }, (_, pid): [SessionEvent, Instant] => [
      writing(50, { pid, startTicks: 1 }),
      at(0),
    ])
    const full = after(begun, proven, ...many)
    expect(holdsOf(full)).toHaveLength(64)
    expect(holdsOf(transition(full, word(300, { pid: 99, startTicks: 1 }), at(0)).session)).toContainEqual(
      expect.objectContaining({ kind: 'hold' }),
    )
  })

  it('loses at once what the rules no longer allow', () => {
    const never: SessionEvent = { type: 'holds-tightened', hold: 'never', finishMs: 20 }
    expect(transition(held(word(300)), never, at(110)).effects).toEqual([endedBy('policy-changed')])
    const { session, effects } = transition(held(word(300), writing(50)), never, at(110))
    expect(effects).toEqual([narrowed])
    expect(transition(session, passed, at(119)).session.state).toBe('held')
    expect(transition(session, passed, at(120)).session.state).toBe('locked')
    const open = after(begun, proven, [word(300), at(0)])
    expect(transition(open, never, at(10)).session).toMatchObject({ state: 'unlocked', holds: [] })
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
    'hold-given',
    'hold-given',
    'hold-given',
    'hold-ended',
    'holds-tightened',
    'lock',
    'time-passed',
  ),
  /** Few processes, so that one is named again. */
  process: fc.record({ pid: fc.integer({ min: 1, max: 3 }), startTicks: fc.integer({ min: 1, max: 2 }) }),
  word: fc.record({
    kind: fc.constantFrom('hold' as const, 'finish' as const),
    forMs: fc.integer({ min: -5, max: 150 }),
  }),
  rules: fc.record({
    hold: fc.constantFrom('allow' as const, 'allow' as const, 'never' as const),
    finishMs: fc.nat(100),
  }),
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
    case 'hold-given': {
      const since = step.word.kind === 'hold' ? now : undefined
      return { type: step.kind, hold: { ...step.word, process: step.process, since } }
    }
    case 'hold-ended':
      return { type: step.kind, process: step.process }
    case 'holds-tightened':
      return { type: step.kind, ...step.rules }
    default:
      return { type: step.kind }
  }
}

interface Move {
  readonly before: Session
  readonly event: SessionEvent
  readonly now: Instant
  readonly session: Session
  /** Ended or narrowed: locked in either case for all but the held. */
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
    const ended = result.effects.some(({ type }) => type === 'end-session')
    return {
      before,
      event,
      now,
      session,
      ended: ended || (before.state === 'unlocked' && session.state === 'held'),
    }
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
        const asks = session.state === 'unlocking' || (session.state === 'held' && session.unlocking)
        if (event.type === 'unlock-begun' && asks) valid = session.generation
        if (event.type === 'unlock-failed' && !asks && session.state !== 'unlocked') valid = undefined
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
        if (before.state === 'held' && session.state === 'locked') expect(ended).toBe(true)
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

  it('holds a session but by a lock for want of a person, for what was named while it was open, within every limit', () => {
    always((moves) => {
      let lifetimeEnds: Instant | undefined
      let words: Hold[] = []
      for (const { before, event, session, now } of moves) {
        if (event.type === 'hold-given' && session.state === 'unlocked') words.push(event.hold)
        if (session.state === 'locked' || session.state === 'unlocking') words = []
        if (session.state !== 'held') continue
        expect(['unlocked', 'held']).toContain(before.state)
        expect(['idle', 'screen-lock']).toContain(session.lock.reason)
        expect(session.holds.length).toBeGreaterThan(0)
        if (before.state === 'unlocked') {
          expect(session.generation).toBeGreaterThan(before.generation)
          lifetimeEnds = before.since
        }
        expect(session.since).toEqual(lifetimeEnds)
        for (const clock of ['bootMs', 'wallMs'] as const)
          expect(now[clock] - session.since[clock]).toBeLessThan(session.limits.lifetimeMs)
        for (const hold of session.holds) {
          expect(holdLeftMs(hold, now)).toBeGreaterThan(0)
          const granted = words.filter(({ process }) => isSameProcess(process, hold.process))
          expect(Math.max(...granted.map(({ forMs }) => forMs))).toBeGreaterThanOrEqual(hold.forMs)
        }
        if (before.state === 'held')
          for (const hold of session.holds)
            expect(before.holds.map(({ process }) => process)).toContainEqual(hold.process)
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
  for (const what of [
    'locked',
    'unlocking',
    'unlocked',
    'held',
    'idle',
    'lifetime',
    'policy-changed',
    'manual',
  ])
    expect(seen).toContain(what)
})
