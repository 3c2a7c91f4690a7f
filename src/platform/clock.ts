import type { Instant } from '../domain/session.ts'
import type { Alarm, Clock } from '../usecases/ports.ts'
import { bootTimeMs } from './libc.ts'

/** Both clocks at once: the boot clock counts the time the machine slept, the wall clock may be set. */
export function createClock(): Clock {
  return { now: () => ({ bootMs: Math.floor(bootTimeMs()), wallMs: Date.now() }) }
}

/** Two readings further apart than this were not made at one moment: this process was stopped between them. */
const oneMomentMs = 50

/**
 * How long this machine has slept since it was started, in ms: CLOCK_BOOTTIME counts that time, CLOCK_MONOTONIC does not
 * (clock_gettime(2)).
 */
export function sleptMs(): number {
  for (let triesLeft = 10; ; triesLeft -= 1) {
    const before = monotonicMs()
    const bootMs = bootTimeMs()
    const after = monotonicMs()
    if (after - before <= oneMomentMs || triesLeft === 0) return bootMs - after
  }
}

/** `process.hrtime` is CLOCK_MONOTONIC as it is (uv_hrtime in libuv's src/unix/linux.c). */
const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** Node's timers stand still while the machine sleeps, so a long wait is taken in steps. */
const longestStepMs = 30_000

/** The wall clock drifts from the boot clock by slewing; more than this within one step was a jump. */
const jumpMs = 1_000

/**
 * Calls `onWake` once, at the moment that was set last, or earlier where the wall clock was found to have
 * jumped: a deadline on that clock may be past then. Nothing is armed while nothing is set, and the
 * process may end while something is.
 */
export function createAlarm(clock: Clock, onWake: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined
  const arm = (atBootMs: number, last: Instant): void => {
    const waitMs = Math.min(Math.max(atBootMs - last.bootMs, 0), longestStepMs)
    timer = setTimeout(() => step(atBootMs, last), waitMs)
    timer.unref()
  }
  const step = (atBootMs: number, last: Instant): void => {
    timer = undefined
    const now = clock.now()
    if (now.bootMs >= atBootMs || jumped(last, now)) onWake()
    else arm(atBootMs, now)
  }
  return {
    set(atBootMs) {
      clearTimeout(timer)
      timer = undefined
      if (atBootMs !== undefined) arm(atBootMs, clock.now())
    },
  }
}

function jumped(last: Instant, now: Instant): boolean {
  return Math.abs(now.wallMs - last.wallMs - (now.bootMs - last.bootMs)) > jumpMs
}
