import { expect, test } from 'vitest'
import { defaultPolicy } from '../../../src/domain/default-policies.ts'
import type { Policy } from '../../../src/domain/policy.ts'
import {
  chosenRole,
  ephemeralOrder,
  limitsOfRole,
  refuseOtherRole,
  refuseUnserved,
} from '../../../src/usecases/session-role.ts'

const minute = 60_000
const offer = {
  roles: [{ role: 'view' }, { role: 'edit', forMs: 3 * minute }],
  namespaces: ['shop'],
  home: 'home',
}

function tableOf(ephemeral?: typeof offer, access: Policy['access'] = 'plugin') {
  const limits = { idleMs: 5 * minute, lifetimeMs: 60 * minute }
  const rules = (): Policy => ({ ...defaultPolicy, ...limits, ephemeral, access })
  return { rules, limits: () => ({ idleMs: 5 * minute, lifetimeMs: 60 * minute }) }
}

const prod = { policy: 'prod' }

test('the least role, with the rules that offered it, is what a keeper is told', () => {
  const opened = chosenRole(tableOf(offer), prod, undefined)
  if (opened === undefined) throw new Error('none')
  expect(opened).toEqual({ role: 'view', rules: offer })
  expect(ephemeralOrder(opened, { idleMs: 1, lifetimeMs: 2 })).toEqual({
    role: 'view',
    namespaces: ['shop'],
    home: 'home',
    lifetimeMs: 2,
  })
  expect(chosenRole(tableOf(), prod, undefined)).toBeUndefined()
  expect(() => chosenRole(tableOf(), prod, 'view')).toThrow('prod has no roles')
})

test('more rights for a shorter time: no limit is ever longer than it', () => {
  expect(limitsOfRole(tableOf(offer), 'prod', undefined)).toEqual({
    idleMs: 5 * minute,
    lifetimeMs: 60 * minute,
  })
  expect(limitsOfRole(tableOf(offer), 'prod', 'edit')).toEqual({ idleMs: 3 * minute, lifetimeMs: 3 * minute })
})

test('an open session keeps its role', () => {
  const openedAs = { role: 'view', rules: offer }
  expect(() => refuseOtherRole({ ...prod, openedAs }, undefined)).not.toThrow()
  expect(() => refuseOtherRole({ ...prod, openedAs }, 'view')).not.toThrow()
  expect(() => refuseOtherRole({ ...prod, openedAs }, 'edit')).toThrow('prod is unlocked as view')
  expect(() => refuseOtherRole({ ...prod, openedAs: undefined }, 'edit')).toThrow(
    'prod is unlocked without a role',
  )
})

test('what no gateway serves is refused, with what is to be done: neither rule gives way', () => {
  const check = (more: Partial<Policy>) => () =>
    refuseUnserved({ rules: () => ({ ...defaultPolicy, access: 'gateway', ...more }) }, prod)
  expect(check({})).not.toThrow()
  expect(check({ access: 'plugin', scope: 'terminal', ephemeral: offer })).not.toThrow()
  expect(check({ ephemeral: offer })).toThrow('prod has access: gateway, which serves no ephemeral session')
  expect(check({ scope: 'terminal' })).toThrow('which has one port, for one session (scope: terminal)')
  expect(check({ unlock: [{ factor: 'oidc' }] })).toThrow('which does not serve what a log-in gives')
})
