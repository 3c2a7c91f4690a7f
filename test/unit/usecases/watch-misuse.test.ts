import { expect, it, vi } from 'vitest'
import { defaultPolicies } from '../../../src/domain/policy.ts'
import type { Policy } from '../../../src/domain/policy.ts'
import type { ChainReport } from '../../../src/protocol/reports.ts'
import { noFailures } from '../../../src/usecases/ports.ts'
import type { CommandResult, FailedUnlocks } from '../../../src/usecases/ports.ts'
import { WatchMisuse } from '../../../src/usecases/watch-misuse.ts'

const nowMs = 1_000_000_000
const done: CommandResult = { ok: true, outcome: 'done', tookMs: 5, output: '' }
const intact: ChainReport = { intact: true, entries: 3 }

function rig({ onMisuse = [] }: { onMisuse?: string[] } = {}) {
  const state = { failures: noFailures as FailedUnlocks, chain: intact }
  const record = vi.fn(() => true)
  const said: string[] = []
  const run = vi.fn(() => Promise.resolve(done))
  const notify = vi.fn()
  const policies = [{ ...(defaultPolicies()[0] as Policy), onMisuse }]
  const misuse = new WatchMisuse({
    clock: { now: () => ({ wallMs: nowMs, bootMs: 0 }) },
    journal: {
      record,
      recordDurably: record,
      head: () => 'abc123',
      failures: () => state.failures,
      setFailures: () => true,
      check: () => Promise.resolve(state.chain),
      verify: () => state.chain,
      read: () => [],
      close: () => undefined,
    },
    log: { error: vi.fn(), warn: vi.fn() },
    policies: { current: () => policies },
    commands: { run, end: vi.fn() },
    syslog: { warn: (text) => (said.push(text), true) },
    notifications: { notify },
    table: () => ({ find: () => undefined, allOf: () => [] }),
  })
  const fail = (times: number): void => {
    for (let index = 0; index < times; index += 1) {
      const { count } = state.failures
      state.failures = {
        count: count + 1,
        lastWallMs: nowMs,
        sinceWallMs: nowMs - 60_000,
        lastOn: 'pts/3',
        waitMs: 0,
      }
      misuse.failed('prod', state.failures)
    }
  }
  return { misuse, state, record, said, run, notify, fail }
}

it('tells of a run of failures once, and of a lock-out', () => {
  const { fail, said, misuse, notify } = rig()
  fail(2)
  expect([said, misuse.signs()]).toEqual([[], []])
  fail(7)
  expect(said).toEqual(['misuse failed-unlocks policy="prod" count="3" on="pts/3" journal-head=abc123'])
  expect(notify.mock.calls).toMatchObject([
    [{ body: expect.stringContaining('3 wrong passphrases in a row'), urgency: 'critical' }],
  ])
  fail(1)
  expect(said[1]).toBe('misuse locked-out policy="prod" count="10" on="pts/3" journal-head=abc123')
  expect(misuse.signs()).toMatchObject([
    {
      sign: 'locked-out',
      message: '10 wrong passphrases in a row, the last on pts/3; nothing is asked for 15m',
      untilMs: nowMs + 900_000,
    },
  ])
  fail(9)
  expect(said).toHaveLength(2)
  fail(1)
  expect(said).toHaveLength(3)
})

it('lets no process name itself into another fact', () => {
  const { misuse, said, state } = rig()
  state.failures = {
    count: 3,
    lastWallMs: nowMs,
    sinceWallMs: nowMs,
    lastOn: 'x" journal-head="0',
    waitMs: 0,
  }
  misuse.failed('*', state.failures)
  expect(said).toEqual([`misuse failed-unlocks count="3" on="x' journal-head='0" journal-head=abc123`])
})

it('shows a run for as long as nobody has proven who he is', () => {
  const { fail, misuse, state } = rig()
  fail(4)
  expect(misuse.signs()).toMatchObject([{ sign: 'failed-unlocks', sinceMs: nowMs - 60_000 }])
  state.failures = noFailures
  expect(misuse.signs()).toEqual([])
})

it('tells of a broken chain once, and shows it until it is whole', async () => {
  const { misuse, state, said, record } = rig()
  await misuse.checkChain()
  expect([said, misuse.signs()]).toEqual([[], []])
  state.chain = { intact: false, entries: 2, brokenAt: 3, problem: 'an entry was changed' }
  await misuse.checkChain()
  await misuse.checkChain()
  expect(said).toEqual(['misuse journal-broken at="3" problem="an entry was changed" journal-head=abc123'])
  expect(record).toHaveBeenCalledTimes(1)
  expect(misuse.signs()).toMatchObject([
    { sign: 'journal-broken', message: 'the journal’s chain is broken at entry 3: an entry was changed' },
  ])
  state.chain = intact
  await misuse.checkChain()
  expect(misuse.signs()).toEqual([])
})

it('runs each command once, one after the other, past one that fails; none once the daemon ends', async () => {
  const { misuse, fail, run, record } = rig({ onMisuse: ['first', 'second'] })
  run.mockRejectedValueOnce(new Error('no'))
  fail(3)
  await misuse.stop(1_000)
  expect(run).toHaveBeenCalledTimes(0)
  const going = rig({ onMisuse: ['first', 'second'] })
  going.run.mockRejectedValueOnce(new Error('no'))
  going.fail(3)
  await vi.waitFor(() => expect(going.run).toHaveBeenCalledTimes(2))
  expect(going.run.mock.calls).toMatchObject([
    ['first', { KUBEGUARD_MISUSE: 'failed-unlocks', KUBEGUARD_POLICY: 'prod' }],
    ['second', { KUBEGUARD_MESSAGE: '3 wrong passphrases in a row, the last on pts/3' }],
  ])
  await going.misuse.stop(1_000)
  expect(going.record).toHaveBeenLastCalledWith({
    event: 'misuse-command',
    details: { command: 'second', outcome: 'done', tookMs: 5 },
  })
  expect(record).toHaveBeenCalledTimes(1)
})
