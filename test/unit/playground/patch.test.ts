import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../src/playground/api-error.ts'
import { patched } from '../../../src/playground/patch.ts'

const apply = (target: unknown, patch: unknown, kind: string): unknown =>
  patched(target, Buffer.from(JSON.stringify(patch)), `application/${kind}-patch+json`)

describe('patches', () => {
  // The examples of RFC 7396, appendix A, that are objects.
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('merge %j with %j', (target, patch, result) => {
    expect(apply(target, patch, 'merge')).toEqual(result)
  })

  test('strategic merge joins lists by name and drops directives', () => {
    const target = { containers: [{ name: 'a', image: '1' }, { name: 'b' }] }
    const containers = [{ name: 'a', image: '2' }, { name: 'b', $patch: 'delete' }, { name: 'c' }]
    expect(apply(target, { containers, '$setElementOrder/containers': [] }, 'strategic-merge')).toEqual({
      containers: [{ name: 'a', image: '2' }, { name: 'c' }],
    })
  })

  test('JSON patch adds, replaces, removes and tests', () => {
    const operations = [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'add', path: '/data/b~1c', value: '2' },
      { op: 'replace', path: '/list/0', value: 'x' },
      { op: 'add', path: '/list/-', value: 'z' },
      { op: 'remove', path: '/data/a' },
    ]
    const target = { data: { a: '1' }, list: ['y'] }
    expect(apply(target, operations, 'json')).toEqual({ data: { 'b/c': '2' }, list: ['x', 'z'] })
    expect(target).toEqual({ data: { a: '1' }, list: ['y'] })
  })

  test.each([
    [[{ op: 'test', path: '/a', value: 2 }]],
    [[{ op: 'remove', path: '/nope' }]],
    [[{ op: 'add', path: '/a/b/c', value: 1 }]],
    [[{ op: 'add', path: '/list/9', value: 1 }]],
    [[{ op: 'move', path: '/a', from: '/b' }]],
    [[{ op: 'add', path: '', value: 1 }]],
    [['nonsense']],
    [{}],
  ])('JSON patch %j is refused', (operations) => {
    expect(() => apply({ a: 1, list: [] }, operations, 'json')).toThrow(ApiError)
  })

  test('a field called __proto__ is a field', () => {
    const patch = Buffer.from('{"data":{"__proto__":{"polluted":"yes"}}}')
    const result = patched({ data: {} }, patch, 'application/merge-patch+json')
    expect(JSON.stringify(result)).toBe('{"data":{"__proto__":{"polluted":"yes"}}}')
    expect(({} as { polluted?: string }).polluted).toBeUndefined()
  })
})
