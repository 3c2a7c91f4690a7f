import { expect, test } from 'vitest'
import { guardedSession } from '../../../src/usecases/guarded-session.ts'
import { LockSession } from '../../../src/usecases/lock-session.ts'

type Deps = ConstructorParameters<typeof LockSession>[0]

test('what a lock could not end is told in words, and kept for status', async () => {
  const said = 'these processes could not be ended: 4711'
  const deps = {
    journal: { recordDurably: () => true, record: () => true },
    log: { error: () => undefined },
    processes: {},
    reaper: { end: () => Promise.reject(new Error(said)) },
    table: () => ({ rules: () => ({ holders: 'expire' }) }),
    sweep: { afterLock: () => Promise.resolve([]) },
  }
  const guarded = guardedSession('default')
  const locks = new LockSession(deps as unknown as Deps)
  locks.begin(guarded, 'manual')
  expect((await locks.settled(guarded)).failures).toEqual([said])
  expect(guarded.lockFailures).toEqual([said])
})
