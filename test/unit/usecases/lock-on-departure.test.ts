import { expect, test } from 'vitest'
import type { Departure } from '../../../src/domain/departure.ts'
import { defaultPolicies } from '../../../src/domain/policy.ts'
import type { GuardedSession } from '../../../src/usecases/guarded-session.ts'
import { LockOnDeparture } from '../../../src/usecases/lock-on-departure.ts'
import { SessionTable } from '../../../src/usecases/session-table.ts'
import { unnoticedDeparture } from '../../../src/usecases/unnoticed-departure.ts'

/** A table with one session, which a test opens, over a machine that sleeps when the test says so. */
function machine() {
  const world = { bootMs: 1_000, sleptMs: 5_000, leaderTty: 34_816 }
  const clock = { now: () => ({ bootMs: world.bootMs, wallMs: world.bootMs }) }
  const policies = {
    current: defaultPolicies,
    problems: () => [],
    files: () => [],
    tightenedBy: () => [],
    onChange: () => {},
  }
  const leader = { pid: 7, startTicks: 70 }
  const processes = {
    isAlive: () => true,
    inspect: () => ({ ...leader, ttyDevice: world.leaderTty }) as never,
  }
  const ended: string[] = []
  const wanted: string[] = []
  const wall = { stands: Promise.withResolvers<void>() }
  const table: SessionTable = new SessionTable(
    {
      clock,
      policies,
      vaults: { policies: () => [] },
      processes,
      departed: (one) => unnoticedDeparture({ sleptMs: () => world.sleptMs, processes }, one),
    },
    (_, reason) => ended.push(reason),
    () => departures.attend(),
  )
  const departures: LockOnDeparture = new LockOnDeparture({
    table,
    lockSession: {
      lock: async (one, reason) => {
        table.advance(one, { type: 'lock', reason })
        await wall.stands.promise
        return {} as never
      },
    },
    watch: {
      set: ({ listens, delaysSleep }) => wanted.push(`${listens} ${delaysSleep}`),
      look: () => {},
    },
  })
  const guarded = table.get('default')
  const open = (lockOn: readonly Departure[]): GuardedSession => {
    table.advance(guarded, { type: 'unlock-begun' })
    guarded.lockOn = lockOn
    const { generation } = guarded.session
    table.advance(guarded, { type: 'unlock-proven', generation, limits: table.limits('default') })
    return guarded
  }
  const request = () => table.advance(guarded, { type: 'time-passed' })
  return { world, table, guarded, departures, ended, wanted, wall, leader, open, request }
}

const hold = (pid: number) =>
  ({
    type: 'hold-given',
    hold: {
      process: { pid, startTicks: 1 },
      kind: 'hold',
      forMs: 3_600_000,
      since: { bootMs: 1_000, wallMs: 1_000 },
    },
  }) as const

test('the first request after a sleep that nobody announced finds the session locked', () => {
  const { world, guarded, ended, open, request } = machine()
  open(['suspend'])
  request()
  expect(guarded.session.state).toBe('unlocked')
  world.sleptMs += 2_000
  request()
  expect(guarded.session.state).toBe('locked')
  expect(ended).toEqual(['suspend'])
})

test('a sleep past a limit, where sleep itself locks nothing: the first request finds it locked by that', () => {
  const { world, guarded, ended, open, request } = machine()
  open([])
  world.bootMs += 15 * 60_000
  world.sleptMs += 15 * 60_000
  request()
  expect(guarded.session.state).toBe('locked')
  expect(ended).toEqual(['idle'])
})

test('a sleep before the unlock, or that the rules do not name, locks nothing', () => {
  const { world, guarded, open, request } = machine()
  world.sleptMs += 60_000
  open(['suspend'])
  request()
  expect(guarded.session.state).toBe('unlocked')
  open(['logout'])
  guarded.lockOn = ['logout']
  world.sleptMs += 60_000
  request()
  expect(guarded.session.state).toBe('unlocked')
})

test.each([
  ['the terminal was taken from its leader', { leaderTty: 0 }, 0],
  ['another process has the leader’s pid', {}, 1],
])('disconnected: %s', (_name, change, moved) => {
  const { world, guarded, leader, ended, open, request } = machine()
  open(['disconnect'])
  guarded.remote = { leader: { ...leader }, device: world.leaderTty }
  request()
  expect(guarded.session.state).toBe('unlocked')
  Object.assign(world, change)
  leader.startTicks += moved
  request()
  expect(ended).toEqual(['disconnect'])
})

test('sleep waits until the lock stands, and nothing listens from then on', async () => {
  const { departures, wanted, wall, open } = machine()
  open(['suspend'])
  expect(wanted.at(-1)).toBe('true true')
  const before = wanted.length
  const seen = departures.seen('suspend')
  expect(wanted.slice(before)).toEqual([])
  wall.stands.resolve()
  await seen
  expect(wanted.at(-1)).toBe('false false')
})

test('only what the rules name locks, and only that is listened for', async () => {
  const { departures, guarded, wanted, open } = machine()
  open(['disconnect'])
  expect(wanted.at(-1)).toBe('false false')
  await departures.seen('screen-lock')
  expect(guarded.session.state).toBe('unlocked')
  guarded.lockOn = ['screen-lock']
  departures.attend()
  expect(wanted.at(-1)).toBe('true false')
})

test('a locked screen leaves a held job in peace, as idleness does; the end of the log-in does not', async () => {
  const { table, guarded, departures, ended, wall, open } = machine()
  wall.stands.resolve()
  open(['screen-lock', 'logout'])
  table.advance(guarded, hold(9))
  await departures.seen('screen-lock')
  expect(guarded.session.state).toBe('held')
  await departures.seen('screen-lock')
  expect(guarded.session.state).toBe('held')
  await departures.seen('logout')
  expect(guarded.session.state).toBe('locked')
  expect(ended).toEqual(['screen-lock', 'logout'])
})

test('no unlock that began before the screen was locked succeeds after it', async () => {
  const { table, guarded, departures, wall } = machine()
  wall.stands.resolve()
  table.advance(guarded, { type: 'unlock-begun' })
  const { generation } = guarded.session
  await departures.seen('screen-lock')
  table.advance(guarded, { type: 'unlock-proven', generation, limits: table.limits('default') })
  expect(guarded.session.state).toBe('locked')
})

test('nor beside a held session', async () => {
  const { table, guarded, departures, wall, open } = machine()
  wall.stands.resolve()
  open(['screen-lock'])
  table.advance(guarded, hold(9))
  await departures.seen('screen-lock')
  table.advance(guarded, { type: 'unlock-begun' })
  const { generation } = guarded.session
  await departures.seen('screen-lock')
  table.advance(guarded, { type: 'unlock-proven', generation, limits: table.limits('default') })
  expect(guarded.session.state).toBe('held')
})
