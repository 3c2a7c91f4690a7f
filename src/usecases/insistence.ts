import type { Clock } from './ports.ts'

/** So often within the window is no accident: two tools that follow each other, or one that writes twice. */
const patience = 5
const windowMs = 60_000
const firstDelayMs = 2_000
const longestDelayMs = 5 * 60_000
/** What can't be done after so many tries waits until the file changes. */
const mostTries = 8
/** Quiet for so long, and it is forgotten. */
const forgottenAfterMs = 15 * 60_000

interface Writes {
  count: number
  sinceMs: number
  lastMs: number
  delayMs: number
  /** On the boot clock: not looked at before. */
  untilMs: number
  /** Somebody wrote meanwhile, or it is to be tried again. */
  isDue: boolean
  failures: number
}

/**
 * Programs that write a secret back whenever it is taken out, and files that can't be changed: each time is followed
 * by a longer pause, so that two programs never chase each other.
 */
export class Insistence {
  readonly #clock: Clock
  readonly #records = new Map<string, Writes>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Secrets were taken out of this file once more. `again`: it was said already. */
  heard(file: string): 'first' | 'again' | 'insists' {
    const now = this.#clock.now().bootMs
    const known = this.#records.get(file)
    if (known === undefined || now - known.lastMs > forgottenAfterMs) {
      this.#records.set(file, begun(now, 1))
      return 'first'
    }
    known.lastMs = now
    if (known.delayMs === 0 && now - known.sinceMs > windowMs) {
      known.count = 1
      known.sinceMs = now
      return 'first'
    }
    known.count += 1
    if (known.count < patience) return 'again'
    const wasInsisting = known.delayMs > 0
    this.#delay(known, now)
    return wasInsisting ? 'again' : 'insists'
  }

  /** It did not work: not at once again. */
  putOff(file: string): void {
    const now = this.#clock.now().bootMs
    const known = this.#records.get(file) ?? begun(now, 0)
    this.#records.set(file, known)
    known.lastMs = now
    known.failures += 1
    known.isDue = known.failures < mostTries
    this.#delay(known, now)
  }

  #delay(known: Writes, now: number): void {
    known.delayMs = Math.min(longestDelayMs, Math.max(firstDelayMs, known.delayMs * 2))
    known.untilMs = now + known.delayMs
  }

  /** Not to be looked at now? Then it will be due. */
  isPutOff(file: string): boolean {
    const known = this.#records.get(file)
    if (known === undefined || known.untilMs <= this.#clock.now().bootMs) return false
    known.isDue = true
    return true
  }

  /** What was put off and is due by now. */
  due(): string[] {
    const now = this.#clock.now().bootMs
    return [...this.#records].flatMap(([file, known]) => {
      if (!known.isDue || known.untilMs > now) return []
      known.isDue = false
      return [file]
    })
  }

  /** On the boot clock; undefined while nothing is put off. */
  nextMs(): number | undefined {
    const moments = [...this.#records.values()].flatMap(({ isDue, untilMs }) => (isDue ? [untilMs] : []))
    return moments.length === 0 ? undefined : Math.min(...moments)
  }

  /** Files that are written again and again, at present. */
  insisting(): string[] {
    const now = this.#clock.now().bootMs
    return [...this.#records].flatMap(([file, { count, delayMs, lastMs }]) =>
      count >= patience && delayMs > 0 && now - lastMs <= forgottenAfterMs ? [file] : [],
    )
  }

  /** No file but these is of interest. */
  keep(files: ReadonlySet<string>): void {
    for (const file of this.#records.keys()) if (!files.has(file)) this.#records.delete(file)
  }
}

const begun = (now: number, count: number): Writes => ({
  count,
  sinceMs: now,
  lastMs: now,
  delayMs: 0,
  untilMs: 0,
  isDue: false,
  failures: 0,
})
