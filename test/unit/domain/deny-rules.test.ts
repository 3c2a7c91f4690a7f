import { expect, test } from 'vitest'
import { readApiRequest } from '../../../src/domain/api-request.ts'
import { deniedBy, describeDeny, readDeny, unitedDeny } from '../../../src/domain/deny-rules.ts'
import type { DenyRule } from '../../../src/domain/deny-rules.ts'

const isDenied = (rule: DenyRule, method: string, target: string): boolean => {
  const request = readApiRequest(method, target)
  return request !== undefined && deniedBy([rule], request) !== undefined
}

test('verbs, resources and namespaces, as RBAC has them', () => {
  const namespaces: DenyRule = { verbs: ['delete'], resources: ['namespaces'] }
  expect(isDenied(namespaces, 'DELETE', '/api/v1/namespaces/prod')).toBe(true)
  expect(isDenied(namespaces, 'DELETE', '/api/v1/namespaces')).toBe(true)
  expect(isDenied(namespaces, 'DELETE', '/api/v1/namespaces/prod/pods/x')).toBe(false)
  expect(isDenied(namespaces, 'GET', '/api/v1/namespaces/prod')).toBe(false)
  const exec: DenyRule = { verbs: ['*'], resources: ['pods/exec', 'pods/attach'], namespaces: ['kube-*'] }
  expect(isDenied(exec, 'GET', '/api/v1/namespaces/kube-system/pods/x/exec')).toBe(true)
  expect(isDenied(exec, 'POST', '/api/v1/namespaces/web/pods/x/exec')).toBe(false)
  expect(isDenied(exec, 'GET', '/api/v1/namespaces/kube-system/pods/x')).toBe(false)
  const subs: DenyRule = { verbs: ['get', 'create'], resources: ['pods/*'] }
  expect(isDenied(subs, 'GET', '/api/v1/namespaces/web/pods/x/exec')).toBe(true)
  expect(isDenied(subs, 'GET', '/api/v1/namespaces/web/pods/x')).toBe(false)
  const all: DenyRule = { verbs: ['*'], resources: ['*'] }
  expect(isDenied(all, 'GET', '/apis/x/v1/y/z/w')).toBe(true)
  // Discovery and versions are no resources: without them no client works.
  expect(isDenied(all, 'GET', '/version')).toBe(false)
  const inWeb: DenyRule = { verbs: ['delete'], resources: ['namespaces'], namespaces: ['web'] }
  expect(isDenied(inWeb, 'DELETE', '/api/v1/namespaces/web')).toBe(true)
  expect(isDenied(inWeb, 'DELETE', '/api/v1/namespaces/dev')).toBe(false)
})

test('what is no rule is said, with its place', () => {
  const wrong: [unknown, string][] = [
    ['x', 'deny'],
    [['x'], 'deny.0'],
    [[{ verbs: ['delete'] }], 'deny.0'],
    [[{ verbs: ['Delete'], resources: ['pods'] }], 'deny.0.verbs.0'],
    [[{ verbs: [], resources: ['pods'] }], 'deny.0.verbs'],
    [[{ verbs: ['*'], resources: ['pods/exec/x'] }], 'deny.0.resources.0'],
    [[{ verbs: ['*'], resources: ['pods'], namespace: ['x'] }], 'deny.0.namespace'],
    [[{ verbs: ['*'], resources: ['pods'], namespaces: ['X'] }], 'deny.0.namespaces.0'],
  ]
  for (const [raw, place] of wrong) {
    const said: string[] = []
    readDeny(raw, (path) => void said.push(path.join('.')))
    expect(said).toEqual([place])
  }
  const good = [{ verbs: ['*'], resources: ['*'], namespaces: ['a-*'] }]
  expect(readDeny(good, () => expect.unreachable())).toEqual(good)
  expect(readDeny(undefined, () => expect.unreachable())).toEqual([])
})

test('in words, and each once', () => {
  const rule = { verbs: ['delete'], resources: ['pods', 'nodes'], namespaces: ['a'] }
  expect(describeDeny(rule)).toBe('delete pods, nodes in a')
  expect(unitedDeny([[rule], [{ ...rule }], []])).toEqual([rule])
})
