import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findTexts, leastSearched } from '../../../src/scribe/find-texts.ts'

test('finds what indexOf finds, at the same place', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\n'), maxLength: 200 })
  const wanted = fc.array(
    fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\n'), minLength: leastSearched, maxLength: 12 }),
    {
      maxLength: 20,
    },
  )
  const pieces = fc.array(fc.nat({ max: 200 }), { maxLength: 5 })
  fc.assert(
    fc.property(letters, wanted, pieces, (text, strangers, starts) => {
      const own = starts.map((at) => text.slice(at, at + 10)).filter((piece) => piece.length >= leastSearched)
      const all = [...strangers, ...own]
      const expected = all.map((one) => [one, text.indexOf(one)] as const).filter(([, at]) => at !== -1)
      expect(findTexts(text, all)).toEqual(new Map(expected))
    }),
    { numRuns: 500 },
  )
})

test('many texts in a long one take one pass', () => {
  const wanted = Array.from({ length: 2000 }, (_, at) => `secret-number-${at}-`)
  const text = 'x'.repeat(1_000_000) + wanted.join(' ')
  expect(findTexts(text, wanted).size).toBe(2000)
})
