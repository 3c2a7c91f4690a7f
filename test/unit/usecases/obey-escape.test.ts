import { expect, test } from 'vitest'
import { guardedSession } from '../../../src/usecases/guarded-session.ts'
import type { LockSession } from '../../../src/usecases/lock-session.ts'
import { obeyEscape } from '../../../src/usecases/obey-escape.ts'
import type { SessionTable } from '../../../src/usecases/session-table.ts'
import type { Supervisors } from '../../../src/usecases/supervisors.ts'

const minute = 60_000
const at = (ms: number) => ({ bootMs: ms, wallMs: ms })

function world(escape = '~', idleMs = 5 * minute) {
  const guarded = guardedSession('prod')
  guarded.session = {
    state: 'unlocked',
    generation: 1,
    since: at(0),
    lastHuman: at(0),
    limits: { idleMs, lifetimeMs: 60 * minute },
    holds: [],
  }
  const elsewhere = guardedSession('prod', { leader: { pid: 5, startTicks: 5 }, device: 1 })
  const told: string[] = []
  const locks: unknown[] = []
  const deps = {
    clock: { now: () => at(4 * minute) },
    table: { allOf: () => [guarded, elsewhere] } as unknown as SessionTable,
    supervisors: {
      streamOf: () => ({ guarded, escape }),
      tell: (pid: number, text: string) => told.push(`${pid}: ${text}`),
    } as unknown as Supervisors,
    lockSession: {
      lock: (...what: unknown[]) => Promise.resolve(locks.push(...what)),
    } as unknown as LockSession,
  }
  return { deps, guarded, elsewhere, told, locks }
}

test('lock is a lock by hand, of this stream’s policy on every terminal', async () => {
  const { deps, locks, guarded, elsewhere, told } = world()
  await obeyEscape(deps, 10, 'lock')
  expect(locks).toEqual([guarded, 'manual', elsewhere, 'manual'])
  expect(told).toEqual([])
})

test('time says both limits; who asks has just typed', async () => {
  const { deps, told } = world()
  await obeyEscape(deps, 10, 'time')
  expect(told).toEqual(['10: kubeguard: prod locks after 5m without a key, and in 56m in any case'])
})

test('time, where the age comes first; and once it is locked', async () => {
  const { deps, told, guarded } = world('~', 60 * minute)
  await obeyEscape(deps, 10, 'time')
  guarded.session = guardedSession('prod').session
  await obeyEscape(deps, 10, 'time')
  expect(told).toEqual(['10: kubeguard: prod locks in 56m in any case', '10: kubeguard: prod is locked'])
})

test('help names the keys as the policy has them', async () => {
  const { deps, told } = world('^]')
  await obeyEscape(deps, 10, 'help')
  expect(told[0]).toMatch(/\n {2}\^\] l {2}lock prod now\n.*\n {2}\^\] \^\] {2}\^\] itself\n/)
})
