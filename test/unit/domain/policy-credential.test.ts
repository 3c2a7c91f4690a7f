import { expect, test } from 'vitest'
import {
  chooseRole,
  describeCredential,
  readCredential,
  refusesSession,
  renderCredential,
  strictestCredential,
} from '../../../src/domain/policy-credential.ts'
import type { EphemeralRules } from '../../../src/domain/policy-credential.ts'

function read(raw: Readonly<Record<string, unknown>>): {
  rules: EphemeralRules | undefined
  wrong: string[]
} {
  const wrong: string[] = []
  const rules = readCredential(raw, (path, message) => wrong.push(`${path.join('.')}: ${message}`))
  return { rules, wrong }
}

const ephemeral = (roles: unknown, more: object = {}) =>
  read({ credential: 'ephemeral', ephemeral: { roles, ...more } })

const rules = (
  names: readonly string[],
  namespaces: readonly string[] = [],
  home = 'home',
): EphemeralRules => ({
  roles: names.map((role) => ({ role })),
  namespaces,
  home,
})

test('a vault’s own credential unless something else is said', () => {
  expect(read({})).toEqual({ rules: undefined, wrong: [] })
  expect(read({ credential: 'vault' })).toEqual({ rules: undefined, wrong: [] })
})

test('roles least first, each perhaps for a shorter time, in some namespaces', () => {
  const { rules: found, wrong } = ephemeral(['view', { role: 'edit', for: '30m' }], { namespaces: ['shop'] })
  expect(wrong).toEqual([])
  expect(found).toEqual({
    roles: [{ role: 'view' }, { role: 'edit', forMs: 30 * 60_000 }],
    namespaces: ['shop'],
    home: 'kubeguard-sessions',
  })
  expect(readCredential(renderCredential(found), () => {})).toEqual(found)
  expect(describeCredential(found)).toBe('ephemeral: view, edit for 30m in shop')
})

test.each([
  [read({ credential: 'short' }), 'credential: credential: "short" is not known'],
  [read({ ephemeral: {} }), 'ephemeral: ephemeral is there, but credential is not ephemeral'],
  [read({ credential: 'ephemeral' }), 'credential: ephemeral has no roles'],
  [ephemeral([]), 'ephemeral.roles: ephemeral.roles must list 1 to 32 ClusterRoles'],
  [ephemeral(["a' || true"]), 'ephemeral.roles.0: "a\' || true" is no ClusterRole’s name'],
  [ephemeral(['view', 'view']), 'ephemeral.roles: ephemeral.roles names a role twice'],
  [ephemeral([{ role: 'edit', for: '1s' }]), 'ephemeral.roles.0.for: for: "1s" can’t be used'],
  [ephemeral(['view'], { namespaces: [] }), 'ephemeral.namespaces: ephemeral.namespaces: "[]" is no list'],
  [ephemeral(['view'], { home: 'A' }), 'ephemeral.home: ephemeral.home: "A" is no namespace’s name'],
  [
    ephemeral(['view'], { home: 'shop', namespaces: ['shop'] }),
    'ephemeral.namespaces: shop is where the sessions’ own objects are',
  ],
])('a mistake is told at its place: %#', ({ wrong }, text) => {
  expect(wrong).toHaveLength(1)
  expect(wrong[0]).toContain(text)
})

test('tightened: an identity of its own where anybody wants one, and what all of them offer', () => {
  expect(strictestCredential([undefined, undefined])).toBeUndefined()
  expect(strictestCredential([rules(['view']), undefined])).toEqual(rules(['view']))
  const both = [
    {
      ...rules(['view', 'edit', 'admin'], [], 'users'),
      roles: [{ role: 'view' }, { role: 'edit', forMs: 9 }],
    },
    {
      ...rules([], ['shop']),
      roles: [{ role: 'edit', forMs: 20 }, { role: 'view' }, { role: 'cluster-admin' }],
    },
  ]
  expect(strictestCredential(both)).toEqual({
    roles: [{ role: 'edit', forMs: 9 }, { role: 'view' }],
    namespaces: ['shop'],
    home: 'home',
  })
})

test('namespaces that have nothing in common leave no role, not the whole cluster', () => {
  expect(strictestCredential([rules(['view'], ['a']), rules(['view'], ['b'])])).toEqual(rules([]))
})

test('the least role unless another is asked for; none that is not offered', () => {
  const offered = rules(['view', 'edit'])
  expect(chooseRole('prod', offered, undefined)).toEqual({ role: 'view' })
  expect(chooseRole('prod', offered, 'edit')).toEqual({ role: 'edit' })
  expect(() => chooseRole('prod', offered, 'cluster-admin')).toThrow('prod does not offer "cluster-admin"')
  expect(() => chooseRole('prod', rules([]), undefined)).toThrow('prod does not offer any role')
  expect(() => chooseRole('prod', undefined, 'view')).toThrow('prod has no roles')
  expect(chooseRole('prod', undefined, undefined)).toBeUndefined()
})

test('what an open session may not go on with once the rules have changed', () => {
  const opened = { role: 'edit', rules: rules(['view', 'edit'], ['shop']) }
  expect(refusesSession(undefined, opened)).toBe(false)
  expect(refusesSession(rules(['view', 'edit']), opened)).toBe(false)
  expect(refusesSession(rules(['edit'], ['shop', 'other']), opened)).toBe(false)
  expect(refusesSession(rules(['view'], ['shop']), opened)).toBe(true)
  expect(refusesSession(rules(['edit'], ['other']), opened)).toBe(true)
  expect(refusesSession(rules(['edit'], ['shop']), { role: 'edit', rules: rules(['edit']) })).toBe(true)
  expect(refusesSession(rules(['view']), undefined)).toBe(true)
})
