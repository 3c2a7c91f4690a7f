import type { Instant } from '../domain/session.ts'

export interface Deadlines {
  /** In ms of the clock that counts suspended time. */
  readonly deadlineBootMs: number
  /** End of the lifetime in wall-clock ms. */
  readonly lifetimeWallMs: number
}

/** The daemon locks at the deadline; two seconds later the keeper no longer waits for it. */
const graceMs = 2_000
/** A heartbeat comes every 5 s; the daemon that missed four is dead or stopped. */
const silenceMs = 20_000
/** Longest time from the start to the attempt, unless a factor asks a person for more. */
const attemptMs = 120_000
/** Node's timers stand still during suspend: never sleep past a look at the clocks. */
const longestSleepMs = 1_000

/**
 * How long this keeper may live: until the attempt is overdue while nothing is open, then until a deadline
 * has passed on either clock or the daemon falls silent. Every way to be unsure ends it.
 */
export class Lease {
  readonly #now: () => Instant
  readonly #begun: Instant
  #deadlines: Deadlines | undefined
  #heard: Instant | undefined
  #isOver = false
  /** From the start. */
  #attemptMs = attemptMs

  constructor(now: () => Instant) {
    this.#now = now
    this.#begun = now()
  }

  /** From now on only the daemon's heartbeats keep it alive. */
  open(deadlines: Deadlines | undefined): void {
    this.#heard = this.#now()
    this.#deadlines = deadlines ?? this.#deadlines
  }

  /** A question was asked: the attempt may take until so long from now, and a usual one's time for what follows. */
  allow(withinMs: number): void {
    this.#attemptMs = Math.max(this.#attemptMs, elapsedMs(this.#begun, this.#now()) + withinMs + attemptMs)
  }

  /** A heartbeat. Deadlines may move either way: the daemon decides, and it alone can reach this. */
  renew(deadlines: Deadlines): void {
    if (this.#heard !== undefined) this.#heard = this.#now()
    this.#deadlines = deadlines
  }

  /** @returns the deadlines while a credential may be given out; undefined when not, or not any more. */
  get inForce(): Deadlines | undefined {
    return !this.#isOver && this.#heard !== undefined && this.leftMs > 0 ? this.#deadlines : undefined
  }

  /** For good: nothing is given out any more, though the process may have something to finish. */
  end(): void {
    this.#isOver = true
  }

  /** Has a deadline passed, though the daemon may still be about to lock? */
  get isOverdue(): boolean {
    return this.#deadlines !== undefined && untilMs(this.#deadlines, this.#now()) <= 0
  }

  /** Time left to live, in ms; 0 or less when it must end now. */
  get leftMs(): number {
    const now = this.#now()
    if (this.#heard === undefined) return this.#attemptMs - elapsedMs(this.#begun, now)
    const unheardMs = silenceMs - elapsedMs(this.#heard, now)
    return this.#deadlines === undefined
      ? unheardMs
      : Math.min(unheardMs, untilMs(this.#deadlines, now) + graceMs)
  }

  /** Calls `expired` once, when the time is over; looks at the clocks at least once a second. */
  watch(expired: () => void): void {
    const leftMs = this.leftMs
    if (leftMs <= 0) expired()
    else setTimeout(() => this.watch(expired), Math.min(leftMs, longestSleepMs))
  }
}

/** The boot clock alone: setting the wall clock must neither end a keeper nor keep it. */
const elapsedMs = (since: Instant, now: Instant): number => now.bootMs - since.bootMs

const untilMs = (deadlines: Deadlines, now: Instant): number =>
  Math.min(deadlines.deadlineBootMs - now.bootMs, deadlines.lifetimeWallMs - now.wallMs)
