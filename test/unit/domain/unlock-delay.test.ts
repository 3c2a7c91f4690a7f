import { describe, expect, it } from 'vitest'
import { strictestLockOut, unlockDelayMs } from '../../../src/domain/unlock-delay.ts'

const lockOut = { after: 10, forMs: 15 * 60_000 }

describe('the delay after wrong passphrases in a row', () => {
  it('leaves three alone, then grows up to five minutes', () => {
    expect([0, 1, 2, 3, 4, 5, 9, 11, 1_000].map((count) => unlockDelayMs(count))).toEqual([
      0, 0, 0, 2_000, 4_000, 8_000, 128_000, 300_000, 300_000,
    ])
  })

  it('becomes a lock-out, which has an end however often it is tried', () => {
    expect(unlockDelayMs(9, lockOut)).toBe(128_000)
    expect([10, 11, 1_000].map((count) => unlockDelayMs(count, lockOut))).toEqual([900_000, 900_000, 900_000])
  })

  it('is never shorter for a lock-out than it grows without', () => {
    expect(unlockDelayMs(20, { after: 3, forMs: 60_000 })).toBe(300_000)
  })
})

it('takes the strictest of all policies, for one passphrase opens them all', () => {
  const policies = [
    { lockOutAfter: 20, lockOutForMs: 3_600_000 },
    { lockOutAfter: 5, lockOutForMs: 60_000 },
  ]
  expect(strictestLockOut(policies)).toEqual({ after: 5, forMs: 3_600_000 })
})
