import { expect, test, vi } from 'vitest'
import { guardedSession } from '../../../src/usecases/guarded-session.ts'
import { SweepSessions } from '../../../src/usecases/sweep-sessions.ts'

type Deps = ConstructorParameters<typeof SweepSessions>[0]

test('a session that did not open after all leaves no trace, and its commands are not run', async () => {
  const id = 'default~0123456789abcdef'
  const onDisk = new Set<string>()
  const traces = {
    begin: (trace: string) => onDisk.add(trace),
    drop: (trace: string) => onDisk.delete(trace),
    ids: () => [...onDisk],
  }
  const guarded = guardedSession('default')
  const rules = { wipe: [], onLock: ['logout'], materialize: false }
  const kubeconfigs = { sweep: vi.fn() }
  const table = () => ({ rules: () => rules, all: () => [guarded] })
  const sweep = new SweepSessions({ kubeconfigs, log: {}, traces, table } as unknown as Deps)
  sweep.begin(guarded, id)
  expect([onDisk.size, guarded.traces.size]).toEqual([1, 1])
  sweep.drop(guarded, id)
  expect([onDisk.size, guarded.traces.size]).toEqual([0, 0])
  await sweep.afterCrash()
  expect(kubeconfigs.sweep).not.toHaveBeenCalled()
})
