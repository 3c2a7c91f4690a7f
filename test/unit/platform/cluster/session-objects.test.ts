import { expect, test } from 'vitest'
import {
  endingSteps,
  foundSessions,
  isPast,
  ownedBy,
  ownerOf,
  ownPrefix,
  sessionName,
} from '../../../../src/platform/cluster/session-objects.ts'
import type { ClusterSessionFacts } from '../../../../src/platform/cluster/session-objects.ts'

const facts: ClusterSessionFacts = {
  id: '0123456789',
  home: 'kubeguard-sessions',
  role: 'view',
  namespaces: [],
  person: 'oidc:Alice@Example.com',
  machine: 'f'.repeat(32),
  host: 'Laptop.local',
  account: 'alice',
  policy: 'prod',
  keeper: '12 34 boot 56',
  endsMs: Date.parse('2030-01-01T00:00:00Z'),
}
const name = 'kubeguard-session.oidc-alice-example-com.laptop-local.0123456789'

/** As the API server gives it back. */
function found(change: (object: Record<string, unknown>) => void = () => {}) {
  const object = JSON.parse(JSON.stringify(ownerOf(facts).object)) as Record<string, unknown>
  Object.assign(object['metadata'] as object, { uid: 'u', creationTimestamp: '2029-12-31T23:00:00Z' })
  change(object)
  return foundSessions({ items: [object] })
}

test('its name says whose it is, from where, and no other person’s begins like it', () => {
  expect(sessionName(facts)).toBe(name)
  expect(ownPrefix('a')).toBe('kubeguard-session.a.')
  expect(sessionName({ ...facts, person: 'a.b' }).startsWith(ownPrefix('a'))).toBe(false)
  expect(sessionName({ ...facts, person: '…', host: 'x'.repeat(300) }).length).toBeLessThan(100)
  expect(sessionName({ ...facts, person: 'x'.repeat(300) }).length).toBeLessThan(220)
})

test('all of it has one owner, and what the ender may is to delete these alone', () => {
  const [things, referring] = ownedBy(facts, 'u')
  for (const { object } of [...things, ...referring])
    expect(object.metadata['ownerReferences']).toEqual([
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name, uid: 'u' },
    ])
  const rules = [ownerOf(facts), ...things].flatMap(({ object }) => (object['rules'] ?? []) as object[])
  expect(rules).toHaveLength(2)
  for (const rule of rules) expect(rule).toMatchObject({ resourceNames: [name], verbs: ['delete'] })
})

test('in the whole cluster or in some namespaces: what gives it rights is deleted first', () => {
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  const last = [[`/api/v1/namespaces/kubeguard-sessions/secrets/${name}`], [`${rbac}/clusterroles/${name}`]]
  expect(endingSteps({ ...facts, name })).toEqual([[`${rbac}/clusterrolebindings/${name}`], ...last])
  expect(endingSteps({ ...facts, name, namespaces: ['a', 'b'] })).toEqual([
    [`${rbac}/namespaces/a/rolebindings/${name}`, `${rbac}/namespaces/b/rolebindings/${name}`],
    ...last,
  ])
})

test('an owner is known again', () => {
  expect(found()).toMatchObject([{ name, home: facts.home, machine: facts.machine, keeper: facts.keeper }])
})

test.each([
  ['another’s name', (object) => Object.assign(object['metadata'] as object, { name: 'cluster-admin' })],
  [
    'another id',
    (object) => Object.assign(object['metadata'] as object, { labels: { 'kubeguard.dev/session': '1' } }),
  ],
  [
    'rights of its own',
    (object) => Object.assign(object, { rules: [{ verbs: ['*'], resourceNames: [name] }] }),
  ],
  [
    'a home that is a path',
    (object) =>
      Object.assign((object['metadata'] as { annotations: object }).annotations, {
        'kubeguard.dev/home': '../x',
      }),
  ],
] satisfies [string, (object: Record<string, unknown>) => unknown][])(
  'what has the label, but %s, is none',
  (_, change) => {
    expect(found(change)).toEqual([])
  },
)

test('past its end, or older than any lifetime, whatever it says of itself', () => {
  const [session] = found()
  if (session === undefined) throw new Error('none')
  expect(isPast(session, facts.endsMs - 1)).toBe(false)
  expect(isPast(session, facts.endsMs + 1)).toBe(true)
  expect(isPast({ ...session, endsMs: Infinity }, session.createdMs + 9 * 24 * 3_600_000)).toBe(true)
  expect(isPast({ ...session, endsMs: Number.NaN }, session.createdMs + 1_000)).toBe(false)
})
