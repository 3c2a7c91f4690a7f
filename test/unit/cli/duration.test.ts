import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, formatMoment, formatTimestamp, parseDuration } from '../../../src/cli/duration.ts'

test.each([
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['1h30m', 5_400_000],
  ['2d', 172_800_000],
  ['500ms', 500],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '0s', '30', 'm', '1.5h', '-5m', '5m ', '5 m', '1h-', '5M', '9999999999999999d', '٣m'])(
  '%j is no duration',
  (text) => {
    expect(() => parseDuration(text)).toThrowError(/is not a duration/)
  },
)

test.each([
  [0, '0s'],
  [-5000, '0s'],
  [999, '0s'],
  [59_999, '59s'],
  [300_000, '5m'],
  [252_000, '4m12s'],
  [13_260_000, '3h41m'],
  [90_000_000, '1d1h'],
])('%d ms is shown as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test('what is shown is never more than what is left', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 10_000_000_000 }), (ms) => {
      const shown = parseDuration(formatDuration(ms))
      expect(shown).toBeLessThanOrEqual(ms)
      expect(shown).toBeGreaterThan(ms - Math.max(1000, ms / 20))
    }),
  )
})

test('a moment of today is a time of day, another one has its date', () => {
  const now = new Date(2026, 10, 24, 12, 0).getTime()
  expect(formatMoment(new Date(2026, 10, 24, 18, 30).getTime(), now)).toBe('18:30')
  expect(formatMoment(new Date(2026, 10, 25, 9, 5).getTime(), now)).toBe('Wed 25 Nov 09:05')
  expect(formatTimestamp(new Date(2026, 10, 24, 18, 30, 5).getTime())).toBe('2026-11-24 18:30:05')
})
