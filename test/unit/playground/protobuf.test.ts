import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../src/playground/api-error.ts'
import { isProtobuf, readProtobuf } from '../../../src/playground/protobuf.ts'

const field = (number: number, value: Buffer | string): Buffer => {
  const bytes = Buffer.from(value as string)
  return Buffer.concat([Buffer.of((number << 3) | 2, bytes.length), bytes])
}
const message = (kind: string, ...fields: Buffer[]): Buffer => {
  const typeMeta = Buffer.concat([field(1, 'v1'), field(2, kind)])
  return Buffer.concat([Buffer.from('k8s\0'), field(1, typeMeta), field(2, Buffer.concat(fields))])
}
const entry = (key: string, value: string): Buffer => Buffer.concat([field(1, key), field(2, value)])

describe('bodies in protobuf', () => {
  test('a config map', () => {
    const metadata = Buffer.concat([
      field(1, 'paint'),
      field(2, ''),
      field(3, 'shop'),
      field(11, entry('a', 'b')),
    ])
    const body = message(
      'ConfigMap',
      field(1, metadata),
      field(2, entry('x', '1')),
      field(2, entry('y', '')),
      Buffer.of(32, 1),
    )
    expect(isProtobuf(body)).toBe(true)
    expect(readProtobuf(body)).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'paint', namespace: 'shop', labels: { a: 'b' } },
      data: { x: '1', y: '' },
      immutable: true,
    })
  })

  test('a secret, its values in base64', () => {
    const body = message('Secret', field(1, field(1, 's')), field(2, entry('key', 'value')), field(3, ''))
    expect(readProtobuf(body)).toMatchObject({ kind: 'Secret', data: { key: 'dmFsdWU=' } })
    expect(readProtobuf(body)).not.toHaveProperty('type')
  })

  test('another kind is refused', () => {
    expect(() => readProtobuf(message('Pod'))).toThrow('the playground reads Pod as JSON or YAML only')
  })

  test('damaged bytes are refused, whatever they are', () => {
    const whole = message('ConfigMap', field(1, field(1, 'paint')), field(2, entry('x', '1')))
    fc.assert(
      fc.property(fc.nat(whole.length - 5), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, noise) => {
        const damaged = Buffer.from(whole)
        damaged.set(noise.slice(0, whole.length - 4 - at), 4 + at)
        try {
          readProtobuf(damaged)
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError)
        }
      }),
    )
  })
})
