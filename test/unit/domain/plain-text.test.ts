import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plainText } from '../../../src/domain/plain-text.ts'

test('control characters, line ends and direction marks become one space', () => {
  expect(plainText('a\u001b[31mb\r\n\u009bc\u202ed', 99)).toBe('a [31mb c d')
})

test('long text is cut with an ellipsis, never inside a character', () => {
  expect(plainText('abcdef', 4)).toBe('abc…')
  expect(plainText('ab😀def', 4)).toBe('ab\ufffd…')
})

test('whatever comes, one short, well-formed line goes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 50 }), (text, most) => {
      const plain = plainText(text, most)
      expect(plain.length).toBeLessThanOrEqual(most)
      expect(plain.isWellFormed()).toBe(true)
      expect(plain).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)
    }),
  )
})
