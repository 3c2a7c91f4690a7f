import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createAlarm, createClock } from '../../../src/platform/clock.ts'

let now = { bootMs: 0, wallMs: 0 }
const clock = { now: () => now }

/** Both clocks and the timers go on together. */
function pass(ms: number): void {
  for (let left = ms; left > 0; left -= 100) {
    now = { bootMs: now.bootMs + 100, wallMs: now.wallMs + 100 }
    vi.advanceTimersByTime(100)
  }
}

/** The machine sleeps: the clocks go on, timers do not. */
function sleep(ms: number): void {
  now = { bootMs: now.bootMs + ms, wallMs: now.wallMs + ms }
}

beforeEach(() => {
  now = { bootMs: 1_000_000, wallMs: 1_700_000_000_000 }
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

test('the boot clock is the kernel’s', () => {
  vi.useRealTimers()
  const { bootMs } = createClock().now()
  const uptimeMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000
  expect(Math.abs(uptimeMs - bootMs)).toBeLessThan(2_000)
  expect(Number.isInteger(bootMs)).toBe(true)
})

test('an alarm wakes once, at its moment', () => {
  const wake = vi.fn<() => void>()
  createAlarm(clock, wake).set(now.bootMs + 90_000)
  pass(89_900)
  expect(wake).not.toHaveBeenCalled()
  pass(100)
  expect(wake).toHaveBeenCalledTimes(1)
  pass(200_000)
  expect(wake).toHaveBeenCalledTimes(1)
})

test('after a sleep past its moment it wakes within one step', () => {
  const wake = vi.fn<() => void>()
  createAlarm(clock, wake).set(now.bootMs + 600_000)
  pass(10_000)
  sleep(3_600_000)
  pass(30_000)
  expect(wake).toHaveBeenCalledTimes(1)
})

test('a jump of the wall clock wakes early: a deadline on it may be past', () => {
  const wake = vi.fn<() => void>()
  createAlarm(clock, wake).set(now.bootMs + 600_000)
  pass(10_000)
  now = { bootMs: now.bootMs, wallMs: now.wallMs + 3_600_000 }
  pass(30_000)
  expect(wake).toHaveBeenCalledTimes(1)
})

test('nothing is armed while nothing is set, and the last moment counts', () => {
  const wake = vi.fn<() => void>()
  const alarm = createAlarm(clock, wake)
  expect(vi.getTimerCount()).toBe(0)
  alarm.set(now.bootMs + 10_000)
  alarm.set(now.bootMs + 20_000)
  expect(vi.getTimerCount()).toBe(1)
  pass(15_000)
  expect(wake).not.toHaveBeenCalled()
  alarm.set(undefined)
  expect(vi.getTimerCount()).toBe(0)
  pass(60_000)
  expect(wake).not.toHaveBeenCalled()
})

test('a moment that is past wakes at the next turn, not within set()', () => {
  const wake = vi.fn<() => void>()
  createAlarm(clock, wake).set(now.bootMs - 5)
  expect(wake).not.toHaveBeenCalled()
  pass(100)
  expect(wake).toHaveBeenCalledTimes(1)
})
