import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cleanDetails } from '../../../../src/platform/journal/details.ts'
import type { Details } from '../../../../src/platform/journal/details.ts'

test('facts stay, in a fixed order; a secret’s name or look is withheld', () => {
  const clean = cleanDetails({
    program: 'helm\u001b[2J',
    pid: 3,
    token: 'abc',
    because: 'refused eyJhbGciOiJSUzI1NiJ9.e30.sig',
    bad: Number.NaN,
    live: true,
  })
  expect(JSON.stringify(clean)).toBe(
    '{"because":"refused [withheld]","live":true,"pid":3,"program":"helm [2J","token":"[withheld]"}',
  )
})

test('what is not a plain value is left out', () => {
  expect(cleanDetails({ a: { b: 1 }, c: undefined, d: null, e: [1] } as unknown as Details)).toEqual({})
})

test('the size is bounded, and cleaning twice changes nothing', () => {
  const details = fc.dictionary(
    fc.string(),
    fc.oneof(fc.string({ maxLength: 2_000 }), fc.double(), fc.boolean()),
    {
      maxKeys: 60,
    },
  )
  fc.assert(
    fc.property(details, (given) => {
      const clean = cleanDetails(given)
      expect(JSON.stringify(clean).length).toBeLessThan(24 * (40 + 256) * 6)
      expect(cleanDetails(clean)).toEqual(clean)
    }),
    { numRuns: 50 },
  )
})
