import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../src/playground/api-error.ts'
import { selectorOf } from '../../../src/playground/selector.ts'

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-0', namespace: 'shop', labels: { app: 'web', tier: 'front' } },
  status: { phase: 'Running' },
}
const bare = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bare' } }

describe('selectors', () => {
  test.each([
    ['app=web', true, false],
    ['app==web,tier=front', true, false],
    ['app=web,tier=back', false, false],
    ['app!=web', false, true],
    ['app', true, false],
    ['!app', false, true],
    ['app in (web, db)', true, false],
    ['app in (web,db),tier notin (back)', true, false],
    ['app notin (web)', false, true],
    ['constructor', false, false],
    ['', true, true],
  ])('label selector %j', (labelSelector, matchesPod, matchesBare) => {
    const matches = selectorOf(new URLSearchParams({ labelSelector }))
    expect([matches(pod), matches(bare)]).toEqual([matchesPod, matchesBare])
  })

  test.each([
    ['metadata.name=web-0', true],
    ['metadata.namespace!=shop', false],
    ['status.phase=Running,metadata.name!=x', true],
    ['spec.nodeName=', true],
  ])('field selector %j', (fieldSelector, matchesPod) => {
    expect(selectorOf(new URLSearchParams({ fieldSelector }))(pod)).toBe(matchesPod)
  })

  test.each([{ labelSelector: 'a b' }, { labelSelector: 'a in b' }, { fieldSelector: 'name' }])(
    'refuses %j',
    (query) => {
      expect(() => selectorOf(new URLSearchParams(query))).toThrow(ApiError)
    },
  )
})
