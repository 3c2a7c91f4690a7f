import { runScribe } from './run-scribe.ts'
import type { RunScribe } from './run-scribe.ts'
import type { ScribeJob, ScribeResults } from './job.ts'

/** Each is a process with a runtime of its own. More at once than this only slow each other down. */
const mostAtOnce = 4

/** Runs scribes, a few at a time and in order; who waits is limited by the connections that the daemon has. */
export class ScribeQueue {
  readonly #options: RunScribe
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(options: RunScribe) {
    this.#options = options
  }

  /** @throws GuardError as `runScribe` */
  async run<Job extends ScribeJob>(job: Job): Promise<ScribeResults[Job['job']]> {
    if (this.#running >= mostAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running += 1
    try {
      return await runScribe(job, this.#options)
    } finally {
      // Whoever is next has our place.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
