import { expect, test } from 'vitest'
import type { Policy } from '../../../src/domain/policy.ts'
import type { PolicySource, ProcessFacts, VaultCatalogue } from '../../../src/usecases/ports.ts'
import type { GuardedSession, LedTerminal } from '../../../src/usecases/guarded-session.ts'
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
  scope: 'user',
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
  access: 'plugin',
  deny: [],
  impersonate: 'never',
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
  const gone = new Set<number>()
  /** Each process leads the session of its own terminal; 0 has none. */
  const terminalOf = ({ pid }: ProcessFacts) =>
    pid === 0 ? undefined : { leader: { pid, startTicks: 1 }, device: pid }
  const isThere = ({ device }: LedTerminal) => !gone.has(device)
  const departed = ({ terminal, session }: GuardedSession) =>
    terminal !== undefined && session.state !== 'locked' && !isThere(terminal)
      ? ('disconnect' as const)
      : undefined
  const world = { clock, policies, vaults: catalogue, processes, terminalOf, isThere, departed }
  const made = new SessionTable(world, ({ name }, reason) => {
    ended.push(`${name} ${reason}`)
  })
  return { clock, ended, gone, table: made }
}

const at = (pid: number) => ({ pid }) as ProcessFacts

const opened = ({ table: made }: ReturnType<typeof table>, policy: string, pid = 0) => {
  const guarded = made.get(policy, at(pid))
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

const perTerminal = (): Policy[] => [{ ...rule('prod', 5), scope: 'terminal' }, rule('default', 5)]

test('what one terminal has open is open for nobody else', () => {
  const world = table({ rules: perTerminal() })
  const here = opened(world, 'prod', 7)
  expect(here.session.state).toBe('unlocked')
  expect(world.table.get('prod', at(7))).toBe(here)
  for (const asker of [at(8), at(0), undefined])
    expect(world.table.get('prod', asker).session.state).toBe('locked')
  expect(world.table.forContext('prod-1', at(7))).toBe(here)
  expect(world.table.seenFrom(at(8)).map(({ session }) => session.state)).toEqual(['locked', 'locked'])
  expect(world.table.allOf('prod')).toContain(here)
  expect(world.table.all()).toContain(here)
  expect(world.table.wantsTerminal(world.table.get('prod', at(0)))).toBe(true)
  expect(world.table.wantsTerminal(here)).toBe(false)
})

test('where a policy has a session for each terminal, that of nobody can’t be opened', () => {
  const world = table({ rules: perTerminal() })
  expect(opened(world, 'prod').session.state).toBe('locked')
})

test('a terminal that is gone ends its session, and a proof that comes later opens none', () => {
  const world = table({ rules: perTerminal() })
  const here = opened(world, 'prod', 7)
  const asked = world.table.get('prod', at(8))
  world.table.advance(asked, { type: 'unlock-begun' })
  const { generation } = asked.session
  world.gone.add(7).add(8)
  world.table.advance(here, { type: 'time-passed' })
  world.table.advance(asked, { type: 'unlock-proven', generation, limits: world.table.limits('prod') })
  expect([here, asked].map(({ session }) => session.state)).toEqual(['locked', 'locked'])
  expect(world.ended).toEqual([`${here.name} disconnect`, `${asked.name} disconnect`])
})

test('a change of whom a session is for locks what is open', () => {
  const rules = [rule('prod', 5), rule('default', 5)]
  const world = table({ rules })
  const everybodys = opened(world, 'prod')
  rules[0] = { ...rule('prod', 5), scope: 'terminal' }
  world.table.advance(everybodys, { type: 'time-passed' })
  const here = opened(world, 'prod', 7)
  expect([everybodys, here].map(({ session }) => session.state)).toEqual(['locked', 'unlocked'])
  rules[0] = rule('prod', 5)
  world.table.advance(here, { type: 'time-passed' })
  expect(here.session.state).toBe('locked')
  expect(world.ended).toEqual(['prod policy-changed', `${here.name} policy-changed`])
})

test('terminals that are gone are forgotten, and those that are there are bounded', () => {
  const world = table({ rules: perTerminal() })
  for (let pid = 1; pid <= 1_024; pid += 1) world.table.get('prod', at(pid))
  expect(() => world.table.get('prod', at(2_000))).toThrow('too many terminals')
  world.gone.add(3)
  expect(world.table.get('prod', at(2_000)).session.state).toBe('locked')
  expect(world.table.allOf('prod')).toHaveLength(1_025)
})
