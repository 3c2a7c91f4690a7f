/** A moment on both clocks: `bootMs` counts suspended time (boot time), `wallMs` is the Unix time. */
export interface Instant {
  readonly bootMs: number
  readonly wallMs: number
}

/** The longer of the two elapsed times: setting the wall clock back gains nothing, setting it forward locks. */
export function elapsedMs(since: Instant, now: Instant): number {
  return Math.max(now.bootMs - since.bootMs, now.wallMs - since.wallMs)
}
