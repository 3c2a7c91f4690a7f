import { expect, test, vi } from 'vitest'
import { guardedSession } from '../../../src/usecases/guarded-session.ts'
import type { Client } from '../../../src/usecases/guarded-session.ts'
import { LockSession } from '../../../src/usecases/lock-session.ts'
import { SweepSessions } from '../../../src/usecases/sweep-sessions.ts'

const nothingSuspended = {
  cover: (_: unknown, __: unknown, ended: readonly Client[]) => ({ ended, late: Promise.resolve([]) }),
  endLate: async () => {},
}

type Deps = ConstructorParameters<typeof LockSession>[0]

test('what a lock could not end is told in words, and kept for status', async () => {
  const said = 'these processes could not be ended: 4711'
  const deps = {
    journal: { recordDurably: () => true, record: () => true },
    log: { error: () => undefined },
    processes: {},
    reaper: { end: () => Promise.reject(new Error(said)) },
    table: () => ({ rules: () => ({ holders: 'expire' }) }),
    supervisors: { tellEnd: () => undefined },
    suspended: nothingSuspended,
    sweep: { afterLock: () => Promise.resolve([]) },
  }
  const guarded = guardedSession('default')
  const locks = new LockSession(deps as unknown as Deps)
  locks.begin(guarded, 'manual')
  expect((await locks.settled(guarded)).failures).toEqual([said])
  expect(guarded.lockFailures).toEqual([said])
})

test('what a session had on disk is its lock’s to wipe: a sweep meanwhile runs no command a second time', async () => {
  const id = 'default~0123456789abcdef'
  const guarded = guardedSession('default')
  guarded.traces.add(id)
  guarded.onLockDue = true
  const onDisk = new Set([id])
  const begun = vi.fn()
  const rules = { holders: 'expire', wipe: [], onLock: ['logout'], materialize: false }
  const table = () => ({ rules: () => rules, all: () => [guarded] })
  const kubeconfigs = {
    sweep: ({ traces }: { traces: readonly string[] }) => {
      const closed = traces.filter((trace) => onDisk.delete(trace))
      const commands = closed.map(() => ({ policy: 'default', command: 'logout' }))
      return Promise.resolve({ wipedFiles: 0, unmaterialised: [], failures: [], commands })
    },
  }
  const journal = { recordDurably: () => true, record: () => true }
  const traces = { ids: () => [...onDisk] }
  const sweepDeps = { journal, kubeconfigs, log: {}, traces, table, lockCommands: { begin: begun } }
  const sweep = new SweepSessions(sweepDeps as unknown as ConstructorParameters<typeof SweepSessions>[0])
  const ended = Promise.withResolvers<void>()
  const deps = { journal, log: {}, processes: {}, reaper: { end: () => ended.promise }, table, sweep }
  const locks = new LockSession({
    ...deps,
    supervisors: { tellEnd: () => {} },
    suspended: nothingSuspended,
  } as unknown as Deps)
  locks.begin(guarded, 'manual')
  await sweep.byHand([])
  expect(begun).not.toHaveBeenCalled()
  ended.resolve()
  await locks.settled(guarded)
  expect(begun.mock.calls).toEqual([['default', ['logout'], 'manual']])
  expect(guarded.traces.size + onDisk.size).toBe(0)
})
