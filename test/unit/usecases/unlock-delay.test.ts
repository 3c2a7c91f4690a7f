import { expect, test } from 'vitest'
import type { GuardError } from '../../../src/domain/errors.ts'
import { defaultPolicies } from '../../../src/domain/policy.ts'
import { refuseEarly } from '../../../src/usecases/failed-unlocks.ts'
import type { FailedUnlocks, Journal } from '../../../src/usecases/ports.ts'

const minuteMs = 60_000

/** A journal that knows of nothing but failures, and a clock that is set by hand. */
function makeDeps(given: Pick<FailedUnlocks, 'count' | 'lastWallMs'> & { waitMs?: number }) {
  const failures: FailedUnlocks = { waitMs: 0, ...given, sinceWallMs: given.lastWallMs, lastOn: 'pts/3' }
  let kept = failures
  const deps = {
    nowMs: failures.lastWallMs,
    clock: { now: () => ({ wallMs: deps.nowMs, bootMs: 0 }) },
    policies: { current: defaultPolicies },
    journal: {
      failures: () => kept,
      setFailures: (_policy: string, next: typeof kept) => ((kept = next), true),
    } as unknown as Journal,
    isRefused: (): boolean => deps.refusal() !== undefined,
    refusal(): GuardError | undefined {
      try {
        refuseEarly(deps)
        return undefined
      } catch (error) {
        return error as GuardError
      }
    },
  }
  return deps
}

test('the delay after wrong passphrases passes with time', () => {
  const deps = makeDeps({ count: 5, lastWallMs: 1_000 * minuteMs })
  expect(deps.isRefused()).toBe(true)
  deps.nowMs += 10 * minuteMs
  expect(deps.isRefused()).toBe(false)
})

test('a wall clock that was set back begins the delay anew, once, and locks nobody out until it is where it was', () => {
  const deps = makeDeps({ count: 5, lastWallMs: 1_000 * minuteMs })
  deps.nowMs = 10 * minuteMs
  expect(deps.isRefused()).toBe(true)
  deps.nowMs += 10 * minuteMs
  expect(deps.isRefused()).toBe(false)
})

test('a lock-out says for how long and where the last try came from, and has an end', () => {
  const deps = makeDeps({ count: 10, lastWallMs: 1_000 * minuteMs })
  deps.nowMs += minuteMs
  expect(deps.refusal()).toMatchObject({
    code: 'locked-out',
    message: '10 wrong passphrases in a row, the last on pts/3: nothing is asked for 14m',
    cure: expect.stringContaining('kubeguard unlock'),
  })
  deps.nowMs += 14 * minuteMs
  expect(deps.isRefused()).toBe(false)
})

test('the wall clock set back in a lock-out does not make it longer than it is', () => {
  const deps = makeDeps({ count: 12, lastWallMs: 1_000 * minuteMs })
  deps.nowMs = 10 * minuteMs
  expect(deps.isRefused()).toBe(true)
  deps.nowMs += 15 * minuteMs
  expect(deps.isRefused()).toBe(false)
})

test('rules that were loosened since shorten no lock-out', () => {
  const deps = makeDeps({ count: 4, lastWallMs: 1_000 * minuteMs, waitMs: 60 * minuteMs })
  deps.nowMs += 30 * minuteMs
  expect(deps.refusal()).toMatchObject({ code: 'locked-out', message: expect.stringContaining('for 30m') })
})
