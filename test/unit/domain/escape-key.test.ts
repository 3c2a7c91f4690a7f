import { expect, test } from 'vitest'
import { escapeByte, readEscape } from '../../../src/domain/escape-key.ts'

function read(raw: unknown): { escape: string; said: string[] } {
  const said: string[] = []
  const escape = readEscape(raw, '~', (path, message, cure) =>
    said.push(`${path.join()}: ${message}; ${cure}`),
  )
  return { escape, said }
}

test.each([
  [undefined, '~', 0x7e],
  ['~', '~', 0x7e],
  ['none', 'none', undefined],
  ['^]', '^]', 0x1d],
  ['^A', '^A', 1],
  ['^^', '^^', 0x1e],
  ['^', '^', 0x5e],
  ['%', '%', 0x25],
])('%j is %s, byte %d', (raw, escape, byte) => {
  expect(read(raw)).toEqual({ escape, said: [] })
  expect(escapeByte(escape)).toBe(byte)
})

test.each([
  'a',
  'L',
  '7',
  ' ',
  '',
  '~~',
  'é',
  '?',
  '^a',
  '^J',
  '^M',
  '^[',
  '\x1d',
  'off',
  0,
  null,
  false,
  ['~'],
])('%j is none, and it is said what would be', (raw) => {
  expect(read(raw)).toEqual({
    escape: '~',
    said: [expect.stringMatching(/^escape: escape: ".*" is no key for it; write for instance: escape: "~"/)],
  })
})
