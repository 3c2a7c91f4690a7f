import { expect, test } from 'vitest'
import { parseResourcePath } from '../../../src/playground/resource-path.ts'

test.each([
  ['/api/v1/pods', 'pods', undefined, undefined, undefined],
  ['/api/v1/namespaces', 'namespaces', undefined, undefined, undefined],
  ['/api/v1/namespaces/shop', 'namespaces', undefined, 'shop', undefined],
  ['/api/v1/namespaces/shop/pods', 'pods', 'shop', undefined, undefined],
  ['/api/v1/namespaces/shop/pods/web-0', 'pods', 'shop', 'web-0', undefined],
  ['/api/v1/namespaces/shop/pods/web-0/exec', 'pods', 'shop', 'web-0', 'exec'],
  ['/api/v1/nodes/node-0', 'nodes', undefined, 'node-0', undefined],
])('%s', (path, plural, namespace, name, subresource) => {
  const parsed = parseResourcePath(path)
  expect(parsed?.resource.plural).toBe(plural)
  expect(parsed).toMatchObject({ namespace, name, subresource })
})

test.each([
  '/api/v1',
  '/api/v2/pods',
  '/api/v1/pods/web-0',
  '/api/v1/namespaces/shop/nodes',
  '/api/v1/namespaces/shop/pods/web-0/exec/more',
  '/api/v1/namespaces/shop/pods/web-0/secret',
  '/api/v1/namespaces/shop/constructor',
  '/api/v1/namespaces//pods',
  '/api/v1/namespaces/shop/pods/%zz',
])('%s is nothing', (path) => expect(parseResourcePath(path)).toBeUndefined())
