import { expect, test } from 'vitest'
import { defaultPolicies } from '../../../src/domain/policy.ts'
import { rearm } from '../../../src/usecases/keep-deadlines.ts'
import { SessionTable } from '../../../src/usecases/session-table.ts'

/** A table with one open session, over a clock that the test moves. */
function openTable() {
  const clock = { at: 1_000, now: () => ({ bootMs: clock.at, wallMs: clock.at }) }
  const policies = {
    current: defaultPolicies,
    problems: () => [],
    files: () => [],
    tightenedBy: () => [],
    onChange: () => {},
  }
  const vaults = { policies: () => [], has: () => true, credentials: () => [], contexts: () => [] }
  const processes = { isAlive: (): boolean => true }
  const table = new SessionTable({ clock, policies, vaults, processes }, () => {})
  const guarded = table.get('default')
  table.advance(guarded, { type: 'unlock-begun' })
  table.advance(guarded, { type: 'unlock-proven', generation: 0, limits: table.limits('default') })
  const alarm = { atMs: undefined as number | undefined, set: (atMs?: number) => void (alarm.atMs = atMs) }
  const shells = { warn: () => undefined }
  return { clock, table, guarded, alarm, arm: () => rearm({ table, clock, alarm, shells }) }
}

test('who asks for the alarm again and again does not put the next heartbeat off', () => {
  const { clock, alarm, arm } = openTable()
  for (const at of [1_000, 2_500, 4_999]) {
    clock.at = at
    arm()
    expect(alarm.atMs).toBe(5_000)
  }
  clock.at = 5_000
  arm()
  expect(alarm.atMs).toBe(10_000)
})

test('a held session is looked at when the first of its jobs has had its time', () => {
  const { clock, table, guarded, alarm, arm } = openTable()
  const idleMs = 14 * 60_000
  for (const [pid, forMs] of [
    [2, idleMs + 1_500],
    [3, idleMs + 9_500],
  ] as const)
    table.advance(guarded, {
      type: 'hold-given',
      hold: { process: { pid, startTicks: 1 }, kind: 'hold', forMs, since: clock.now() },
    })
  clock.at = 1_000 + idleMs
  table.advance(guarded, { type: 'time-passed' })
  arm()
  expect(guarded.session.state).toBe('held')
  expect(alarm.atMs).toBe(1_000 + idleMs + 1_500)
})
