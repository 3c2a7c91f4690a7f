import { expect, test } from 'vitest'
import { joinTarget, routeOf } from '../../../src/gateway/route.ts'

test('the first segment is taken off, and nothing else is touched', () => {
  expect(routeOf('/prod-1a2b/api/v1?watch=true')).toEqual({ slug: 'prod-1a2b', target: '/api/v1?watch=true' })
  expect(routeOf('/prod')).toEqual({ slug: 'prod', target: '/' })
  expect(routeOf('/prod?x=1')).toEqual({ slug: 'prod', target: '/?x=1' })
  expect(routeOf('/prod/')).toEqual({ slug: 'prod', target: '/' })
  expect(routeOf('/prod/a%2Fb/..c/d..?q=../x')?.target).toBe('/a%2Fb/..c/d..?q=../x')
})

test.each([
  '',
  '*',
  'prod/x',
  '//prod/x',
  '/PROD/x',
  '/-prod/x',
  '/prod/../other',
  '/prod/..',
  '/prod/.',
  '/prod/./x',
  '/prod/%2e%2e/other',
  '/prod/.%2E/other',
  '/prod/x%2f..%2fother',
  '/prod/x%5c..%5cother',
  '/prod/x\\..\\other',
  '/prod/x#y',
  'https://evil.example/prod/x',
])('%j is no path of ours', (target) => {
  expect(routeOf(target)).toBeUndefined()
})

test('a server’s own path stands before', () => {
  expect(joinTarget(new URL('https://h/k8s/c-1/'), '/api')).toBe('/k8s/c-1/api')
  expect(joinTarget(new URL('https://h'), '/api')).toBe('/api')
})
