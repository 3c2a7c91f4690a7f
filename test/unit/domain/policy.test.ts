import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  defaultPolicies,
  looksLikeProduction,
  policyForContext,
  proposedPolicies,
  strictestPolicies,
  tighten,
} from '../../../src/domain/policy.ts'
import { absorbChoices } from '../../../src/domain/absorb.ts'
import type { Policy, PolicySet } from '../../../src/domain/policy.ts'
import { tightenings } from '../../../src/domain/tighten-policies.ts'

const minute = 60_000
const base = defaultPolicies()[0] as Policy
const policy = (name: string, contexts: string[], change: Partial<Policy> = {}): Policy => ({
  ...base,
  name,
  contexts,
  ...change,
})

describe('policyForContext', () => {
  const policies = [policy('first', ['a*']), policy('second', ['ab', '*z']), policy('default', ['*'])]
  it.each([
    ['ab', 'first'],
    ['yz', 'second'],
    ['other', 'default'],
    ['', 'default'],
  ])('%j has %s', (context, name) => {
    expect(policyForContext(policies, context).name).toBe(name)
  })

  it('falls back to the last one, and to the strictest where there is none', () => {
    expect(policyForContext([policy('only', ['x'])], 'y').name).toBe('only')
    expect(policyForContext([], 'y')).toEqual(strictestPolicies()[0])
  })
})

describe('defaults', () => {
  it('are 14 minutes and 12 hours, and 5 minutes and 4 hours for production', () => {
    expect(defaultPolicies()).toMatchObject([
      { name: 'default', contexts: ['*'], idleMs: 14 * minute, lifetimeMs: 720 * minute },
    ])
    expect(proposedPolicies(['prod-eu'])).toMatchObject([
      { name: 'prod', contexts: ['prod-eu'], idleMs: 5 * minute, lifetimeMs: 240 * minute, warnMs: minute },
      { name: 'default' },
    ])
    expect(proposedPolicies([])).toEqual(defaultPolicies())
  })
})

describe('looksLikeProduction', () => {
  it.each([
    'prod',
    'PROD',
    'prod-eu',
    'eu.prd',
    'shop_production',
    'a/live/b',
    'x:prod@y',
    'kube-non-x-prod',
    'gke_p_europe_prod-1',
  ])('%s: yes', (name) => {
    expect(looksLikeProduction(name)).toBe(true)
  })
  it.each([
    '',
    'product',
    'nonprod',
    'non-prod',
    'pre_production',
    'no.live',
    'delivery',
    'olive',
    'dev',
    'prod1',
    'NON-PROD',
  ])('%s: no', (name) => {
    expect(looksLikeProduction(name)).toBe(false)
  })
})

const anyGlob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 3 })
const anyPolicy = fc.record({
  name: fc.constantFrom('p', 'q', 'r', 'default'),
  contexts: fc.array(anyGlob, { minLength: 1, maxLength: 3 }),
  idleMs: fc.integer({ min: 1, max: 20 }),
  extraMs: fc.nat(20),
  holders: fc.constantFrom('expire' as const, 'end' as const),
  hold: fc.constantFrom('allow' as const, 'never' as const),
  notify: fc.constantFrom('auto' as const, 'off' as const),
  finishMs: fc.nat(5),
  scope: fc.constantFrom('user' as const, 'terminal' as const),
  live: fc.constantFrom('kill' as const, 'suspend' as const),
  suspendForMs: fc.integer({ min: 1, max: 9 }),
  absorb: fc.constantFrom(...absorbChoices),
  wipe: fc.subarray(['tsh', 'aws-sso', '~/a/b']),
  onLock: fc.subarray(['aws sso logout', 'true']),
  onMisuse: fc.subarray(['mail me', 'true']),
  lockOutAfter: fc.integer({ min: 3, max: 9 }),
  lockOutForMs: fc.nat(9),
  materialize: fc.boolean(),
  access: fc.constantFrom('plugin' as const, 'gateway' as const),
  impersonate: fc.constantFrom('never' as const, 'allow' as const),
  deny: fc.subarray([
    { verbs: ['delete'], resources: ['namespaces'] },
    { verbs: ['*'], resources: ['pods/exec'], namespaces: ['kube-*'] },
  ]),
})
/** Sets as the validation leaves them: names are unique, the last one matches everything. */
const anySet = fc
  .uniqueArray(anyPolicy, { selector: ({ name }) => name, minLength: 1, maxLength: 4 })
  .map((list): PolicySet =>
    list.map(({ extraMs, ...rest }, index) => ({
      ...base,
      ...rest,
      contexts: index === list.length - 1 ? ['*'] : rest.contexts,
      lifetimeMs: rest.idleMs + extraMs,
      warnMs: 0,
    })),
  )
const rank = ({ absorb }: Policy): number => absorbChoices.indexOf(absorb)
const anyContext = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 5 })

describe('tighten', () => {
  it('is for no context looser than either', () => {
    fc.assert(
      fc.property(
        anySet,
        anySet,
        fc.array(anyContext, { minLength: 20, maxLength: 40 }),
        (user, organisation, contexts) => {
          const both = tighten(user, organisation)
          for (const context of contexts) {
            const [result, own, above] = [both, user, organisation].map((set) =>
              policyForContext(set, context),
            ) as [Policy, Policy, Policy]
            expect(result.idleMs).toBeLessThanOrEqual(Math.min(own.idleMs, above.idleMs))
            expect(result.lifetimeMs).toBeLessThanOrEqual(Math.min(own.lifetimeMs, above.lifetimeMs))
            if (own.holders === 'end' || above.holders === 'end') expect(result.holders).toBe('end')
            if (own.notify === 'off' || above.notify === 'off') expect(result.notify).toBe('off')
            if (own.hold === 'never' || above.hold === 'never') expect(result.hold).toBe('never')
            expect(result.wipe).toEqual(expect.arrayContaining([...own.wipe, ...above.wipe]))
            if (!own.materialize || !above.materialize) expect(result.materialize).toBe(false)
            expect(result.onLock).toEqual(expect.arrayContaining([...own.onLock, ...above.onLock]))
            const hasMisuse = [own, above].every(
              (one) =>
                one.onMisuse.every((command) => result.onMisuse.includes(command)) &&
                result.lockOutAfter <= one.lockOutAfter &&
                result.lockOutForMs >= one.lockOutForMs,
            )
            expect(hasMisuse).toBe(true)
            expect(rank(result)).toBeGreaterThanOrEqual(Math.max(rank(own), rank(above)))
            const isPerTerminal = [own, above].some(({ scope }) => scope === 'terminal')
            if (own.access === 'gateway' || above.access === 'gateway')
              expect(result).toMatchObject({ access: 'gateway', materialize: false })
            if (own.impersonate === 'never' || above.impersonate === 'never')
              expect(result.impersonate).toBe('never')
            expect(result.deny).toEqual(expect.arrayContaining([...own.deny, ...above.deny]))
            if (isPerTerminal) expect(result).toMatchObject({ scope: 'terminal', materialize: false })
            if (own.live === 'kill' || above.live === 'kill') expect(result.live).toBe('kill')
            expect(result.suspendForMs).toBeLessThanOrEqual(Math.min(own.suspendForMs, above.suspendForMs))
            expect(result.finishMs).toBeLessThanOrEqual(Math.min(own.finishMs, above.finishMs))
          }
          expect(new Set(both.map(({ name }) => name)).size).toBe(both.length)
          expect(both.at(-1)?.contexts).toContain('*')
          for (const { idleMs, lifetimeMs, warnMs } of both)
            expect(warnMs < idleMs && idleMs <= lifetimeMs).toBe(true)
        },
      ),
      { numRuns: 1_000 },
    )
  }, 120_000)

  it('changes nothing under an organisation that asks for nothing', () => {
    const user = [policy('stg', ['stg-*'], { idleMs: 30 * minute }), policy('default', ['*'])]
    expect(
      tighten(user, [policy('rest', ['*'], { idleMs: 24 * 60 * minute, lifetimeMs: 7 * 1440 * minute })]),
    ).toEqual(user)
  })

  it('is no stricter than it must be in the usual cases', () => {
    const user = [policy('stg', ['stg-*'], { idleMs: 30 * minute }), policy('default', ['*'])]
    const organisation = [
      policy('prod', ['*prod*'], { idleMs: 5 * minute }),
      policy('rest', ['*'], { idleMs: 20 * minute }),
    ]
    const both = tighten(user, organisation)
    expect(policyForContext(both, 'eu-prod')).toMatchObject({ name: 'prod', idleMs: 5 * minute })
    expect(policyForContext(both, 'stg-1')).toMatchObject({ name: 'stg', idleMs: 20 * minute })
    expect(policyForContext(both, 'dev')).toMatchObject({ name: 'default', idleMs: 14 * minute })
  })

  it('joins policies of one name', () => {
    const user = [policy('prod', ['prod-*'], { idleMs: minute }), policy('default', ['*'])]
    const both = tighten(user, [policy('prod', ['*-prd'], { idleMs: 5 * minute }), policy('default', ['*'])])
    expect(both.map(({ name }) => name)).toEqual(['prod', 'default'])
    expect(policyForContext(both, 'prod-1')).toMatchObject({ name: 'prod', idleMs: minute })
    expect(policyForContext(both, 'x-prd')).toMatchObject({ name: 'prod', idleMs: minute })
  })

  it('says what it made stricter', () => {
    const before = policy('p', ['*'], { idleMs: 30 * minute })
    expect(tightenings(before, { ...before, idleMs: 14 * minute, holders: 'end' })).toEqual([
      'idle 14m, not 30m',
      'holders end, not expire',
    ])
    const lenient = { ...before, finishMs: 5 * minute }
    expect(tightenings(lenient, { ...before, hold: 'never' })).toEqual([
      'finish 0s, not 5m',
      'hold never, not allow',
    ])
    const covers = { ...before, live: 'suspend' as const, suspendForMs: 20 * minute }
    expect(tightenings(covers, before)).toEqual(['suspendFor 10m, not 20m', 'live kill, not suspend'])
    expect(tightenings({ ...before, absorb: 'warn' }, before)).toEqual(['absorb auto, not warn'])
    expect(tightenings(before, { ...before, scope: 'terminal' })).toEqual(['scope terminal, not user'])
    expect(tightenings(before, { ...before, env: ['TOKEN'] })).toEqual(['env TOKEN too'])
    expect(tightenings(before, { ...before, wipe: ['tsh'] })).toEqual(['wipe tsh too'])
    expect(tightenings({ ...before, materialize: true }, before)).toEqual(['materialize false, not true'])
    expect(tightenings(before, { ...before, onLock: ['tsh logout'] })).toEqual(['onLock tsh logout too'])
    expect(
      tightenings(before, { ...before, onMisuse: ['mail me'], lockOutAfter: 5, lockOutForMs: 3_600_000 }),
    ).toEqual(['onMisuse mail me too', 'lockOutAfter 5, not 10', 'lockOutFor 1h, not 15m'])
    expect(tightenings(before, before)).toEqual([])
  })
})
