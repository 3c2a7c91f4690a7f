import { expect, test } from 'vitest'
import type { FactorSettings } from '../../../src/domain/factor.ts'
import {
  asksForMore,
  describeUnlock,
  readUnlock,
  strictestUnlock,
} from '../../../src/domain/policy-unlock.ts'

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

const oidc = (issuer: string): FactorSettings & { issuer: string } => ({ factor: 'oidc', issuer })

test('of several policies a provider holds against a passphrase, and the last one’s provider against another', () => {
  expect(strictestUnlock([[passphrase], [passphrase]])).toEqual([passphrase])
  expect(strictestUnlock([[oidc('https://a')], [passphrase]])).toEqual([oidc('https://a')])
  expect(strictestUnlock([[oidc('https://a')], [passphrase], [oidc('https://b')]])).toEqual([
    oidc('https://b'),
  ])
  expect(describeUnlock([oidc('https://a')])).toBe('oidc (https://a)')
})

test('what was proven is enough while nothing else is asked for', () => {
  expect(asksForMore([passphrase], [passphrase])).toBe(false)
  expect(asksForMore([oidc('https://a')], [passphrase])).toBe(true)
  expect(asksForMore([oidc('https://b')], [oidc('https://a')])).toBe(true)
  expect(asksForMore([passphrase], [oidc('https://a')])).toBe(false)
})
