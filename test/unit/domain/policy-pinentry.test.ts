import { expect, it } from 'vitest'
import { readPinentry } from '../../../src/domain/policy-pinentry.ts'

it('takes the full path of a program, or off', () => {
  const never = (): never => {
    throw new Error('reported')
  }
  expect([undefined, 'off', false].map((raw) => readPinentry(raw, never))).toEqual(['', '', ''])
  expect(readPinentry('/usr/bin/pinentry-gnome3', never)).toBe('/usr/bin/pinentry-gnome3')
})

it.each([
  ['pinentry'],
  ['./pinentry'],
  ['/a/../b'],
  ['/'],
  [''],
  [true],
  [['/usr/bin/pinentry']],
  ['/a\n/b'],
  ['/a\0b'],
])('refuses %j', (raw) => {
  const problems: string[] = []
  expect(readPinentry(raw, (path, message) => problems.push(`${path.join('.')}: ${message}`))).toBe('')
  expect(problems).toEqual([expect.stringContaining('is no full path of a program')])
})
