import { expect, test } from 'vitest'
import { refuseEarly } from '../../../src/usecases/unlock-session.ts'
import type { Journal } from '../../../src/usecases/ports.ts'

const minuteMs = 60_000

/** A journal that knows of nothing but failures, and a clock that is set by hand. */
function makeDeps(failures: { count: number; lastWallMs: number }) {
  let kept = failures
  const deps = {
    nowMs: failures.lastWallMs,
    clock: { now: () => ({ wallMs: deps.nowMs, bootMs: 0 }) },
    journal: {
      failures: () => kept,
      setFailures: (_policy: string, next: typeof kept) => ((kept = next), true),
    } as unknown as Journal,
    isRefused(): boolean {
      try {
        refuseEarly(deps)
        return false
      } catch {
        return true
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
