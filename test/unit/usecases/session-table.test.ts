import { expect, test } from 'vitest'
import type { Policy } from '../../../src/domain/policy.ts'
import type { PolicySource, VaultCatalogue } from '../../../src/usecases/ports.ts'
import { SessionTable } from '../../../src/usecases/session-table.ts'

const minute = 60_000
const rule = (name: string, minutes: number): Policy => ({
  name,
  contexts: [name === 'default' ? '*' : `${name}-*`],
  idleMs: minutes * minute,
  lifetimeMs: 100 * minutes * minute,
  warnMs: 1_000,
  notify: 'auto',
  escape: '~',
  live: 'kill',
  suspendForMs: 600_000,
  lockOn: [],
  holders: 'expire',
  env: [],
  hold: 'allow',
  finishMs: 0,
  absorb: 'auto',
  wipe: [],
  onLock: [],
  lockOutAfter: 10,
  lockOutForMs: 900_000,
  onMisuse: [],
  pinentry: '',
  materialize: false,
  unlock: [{ factor: 'passphrase' }],
})

/** A table over rules and vaults; `now` is moved by the test. */
function table({ rules, vaults = [] }: { rules: Policy[]; vaults?: string[] }) {
  const clock = { at: 0, now: () => ({ bootMs: clock.at, wallMs: 1_000_000 + clock.at }) }
  const policies: PolicySource = {
    current: () => rules,
    problems: () => [],
    files: () => [],
    tightenedBy: () => [],
    onChange: () => {},
  }
  const catalogue: Pick<VaultCatalogue, 'policies'> = {
    policies: () => vaults,
  }
  const ended: string[] = []
  const processes = { isAlive: () => true }
  const made = new SessionTable({ clock, policies, vaults: catalogue, processes }, ({ policy }, reason) => {
    ended.push(`${policy} ${reason}`)
  })
  return { clock, ended, table: made }
}

const opened = ({ table: made }: ReturnType<typeof table>, policy: string) => {
  const guarded = made.get(policy)
  made.advance(guarded, { type: 'unlock-begun' })
  const { generation } = guarded.session
  made.advance(guarded, { type: 'unlock-proven', generation, limits: made.limits(policy) })
  return guarded
}

test('a vault whose rules have left the file is no looser than our own rules for production', () => {
  const { table: made } = table({ rules: [rule('default', 60)], vaults: ['prod'] })
  expect(made.policyNames()).toEqual(['default', 'prod'])
  expect(made.limits('prod').idleMs).toBe(5 * minute)
  expect(table({ rules: [rule('default', 2)], vaults: ['prod'] }).table.limits('prod').idleMs).toBe(
    2 * minute,
  )
})

test('a deadline that has passed is found whoever asks next, and ends the session once', () => {
  const world = table({ rules: [rule('default', 1)] })
  const guarded = opened(world, 'default')
  world.clock.at = 61_000
  world.table.advance(guarded, { type: 'time-passed' })
  world.table.advance(guarded, { type: 'time-passed' })
  expect(guarded.session.state).toBe('locked')
  expect(world.ended).toEqual(['default idle'])
})

test('a session that is open is listed and found, also when its rules are gone', () => {
  const rules = [rule('prod', 1), rule('default', 1)]
  const world = table({ rules })
  opened(world, 'prod')
  rules.splice(0, 1)
  expect(world.table.all().map(({ policy }) => policy)).toContain('prod')
  expect(world.table.get('prod').session.state).toBe('unlocked')
  expect(() => world.table.get('other')).toThrow('no policy is named other')
})
