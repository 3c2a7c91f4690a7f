import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/domain/duration.ts'

describe('durations', () => {
  it.each([
    ['30s', 30_000],
    ['14m', 840_000],
    ['4h', 14_400_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['90m', 5_400_000],
    ['0s', 0],
  ])('reads %s', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs)
  })

  it.each(['', '30', '1.5h', '-5m', '5 m', '30m1h', '1h1h', '5M', 'm', '5min', '1e3s', ' 5m', '9999999999s'])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )

  it('reads what it writes', () => {
    fc.assert(
      fc.property(
        fc.nat(700_000),
        (seconds) => parseDuration(formatDuration(seconds * 1_000)) === seconds * 1_000,
      ),
    )
  })
})
