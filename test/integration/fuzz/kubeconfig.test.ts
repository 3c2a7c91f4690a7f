import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fuzzer } from '../../fuzz/round.ts'
import { kubeconfigText } from '../../fuzz/texts.ts'

test('parse, edit, write: refused with a place or done, nothing else touched, and kubectl agrees', async () => {
  using fuzzer = new Fuzzer()
  await fc.assert(
    fc.asyncProperty(kubeconfigText, fc.nat({ max: 9 }), (text, draw) => fuzzer.round(text, draw === 0)),
    { numRuns: 300 },
  )
  const { texts, edited, compared } = fuzzer.counts
  expect(texts).toBeGreaterThanOrEqual(300)
  expect(edited).toBeGreaterThan(30)
  expect(compared).toBeGreaterThan(3)
})
