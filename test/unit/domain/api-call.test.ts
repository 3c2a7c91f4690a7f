import { expect, test } from 'vitest'
import { describeCall } from '../../../src/domain/api-call.ts'

const pods = '/api/v1/namespaces/shop/pods'

test.each([
  ['GET', `${pods}?limit=500`, false, ['list', 'pods', 'shop', '', false]],
  ['GET', `${pods}?watch=true`, false, ['watch', 'pods', 'shop', '', false]],
  ['DELETE', `${pods}/web-0`, false, ['delete', 'pods', 'shop', 'web-0', true]],
  [
    'POST',
    `${pods}/web-0/exec?command=cat&command=/key`,
    true,
    ['create', 'pods/exec', 'shop', 'web-0', true],
  ],
  // A stream is one, whatever its method.
  ['GET', `${pods}/web-0/exec?command=sh`, true, ['get', 'pods/exec', 'shop', 'web-0', true]],
  ['GET', '/openapi/v3/apis/apps/v1?hash=A', false, ['get', '/openapi/v3', '', '', false]],
  ['GET', '/', false, ['get', '/', '', '', false]],
  ['POST', '/a/b/c-secret', false, ['post', '/a/b', '', '', true]],
  // In two ways: what it is about is not known, and so it is a change where its method may be one.
  ['GET', '/api//v1/x', false, ['get', '/api/', '', '', false]],
  ['PUT', '/%zz', false, ['put', '/%zz', '', '', true]],
] as const)('%s %s', (method, target, isUpgrade, [verb, resource, namespace, name, isChange]) => {
  expect(describeCall(method, target, isUpgrade)).toEqual({ verb, resource, namespace, name, isChange })
})

test('names are one short line, whatever is in the path', () => {
  const { name } = describeCall('GET', `${pods}/a%0A%00${'b'.repeat(900)}`, false)
  expect(name).toMatch(/^a b+…$/)
  expect(name).toHaveLength(200)
})
