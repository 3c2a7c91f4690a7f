/** Lets so many through at once, and so many a second after that. */
export class Bucket {
  readonly #most: number
  readonly #perSecond: number
  readonly #nowMs: () => number
  #left: number
  #sinceMs: number

  /** @param nowMs a clock that nobody sets, in ms */
  constructor({ most, perSecond }: { most: number; perSecond: number }, nowMs: () => number) {
    this.#most = most
    this.#perSecond = perSecond
    this.#nowMs = nowMs
    this.#left = most
    this.#sinceMs = nowMs()
  }

  take(): boolean {
    const now = this.#nowMs()
    this.#left = Math.min(this.#most, this.#left + ((now - this.#sinceMs) / 1_000) * this.#perSecond)
    this.#sinceMs = now
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
