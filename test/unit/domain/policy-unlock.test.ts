import { expect, test } from 'vitest'
import type { FactorSettings } from '../../../src/domain/factor.ts'
import { describeUnlock, readUnlock, strictestUnlock } from '../../../src/domain/policy-unlock.ts'

const passphrase: FactorSettings = { factor: 'passphrase' }

function read(raw: Record<string, unknown>): { unlock: readonly FactorSettings[]; problems: string[] } {
  const problems: string[] = []
  const unlock = readUnlock(raw, (path, message) => void problems.push(`${path.join('.')}: ${message}`))
  return { unlock, problems }
}

test('unless something is said the passphrase unlocks', () => {
  expect(read({})).toEqual({ unlock: [passphrase], problems: [] })
  expect(read({ unlock: ['passphrase'] })).toEqual({ unlock: [passphrase], problems: [] })
})

test.each([
  ['no list', 'passphrase', /is no list of factors/],
  ['nothing', [], /is no list of factors/],
  ['something unknown', ['passphrase', 'face'], /"face" is no factor/],
  ['something that is no name', [{ passphrase: true }], /is no factor/],
  ['something twice', ['passphrase', 'passphrase'], /nothing twice/],
])('%s is refused, with its place', (_, unlock, message) => {
  const { problems } = read({ unlock })
  expect(problems).toEqual([expect.stringMatching(message)])
  expect(problems[0]).toMatch(/^unlock: /)
})

test('of several policies each check holds, and another opening than the passphrase’s', () => {
  const other: FactorSettings = { factor: 'other' }
  expect(strictestUnlock([[passphrase], [passphrase]])).toEqual([passphrase])
  expect(describeUnlock([passphrase, other])).toBe('passphrase, other')
})
