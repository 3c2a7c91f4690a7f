import fc from 'fast-check'
import type { IAsyncProperty, IProperty } from 'fast-check'

/** What is attacked. One run of it begins and ends all that it needs. */
export interface Target {
  readonly name: string
  /** In a few words, for `--help` and for the docs. */
  readonly about: string
  /** Runs of the short run that is a part of `npm test`, of each seed. */
  readonly shortRuns: number
  /** @returns what was done, as counts. @throws Error where a promise is broken */
  run(effort: Effort): Promise<Counts>
}

export type Counts = Readonly<Record<string, number>>

/** How much: so many runs or so many seconds, whichever is over first. */
export interface Effort {
  readonly seed: number
  readonly runs: number
  readonly seconds: number
}

export const forSeconds = (seconds: number, seed: number): Effort => ({
  seed,
  seconds,
  runs: Number.MAX_SAFE_INTEGER,
})
export const forRuns = (runs: number, seed: number): Effort => ({ seed, runs, seconds: 3_600 })

const mostShown = 4_000

/** @throws Error with what was broken and the smallest example of it that was found */
export async function hold<Values>(
  property: IProperty<Values> | IAsyncProperty<Values>,
  { seed, runs, seconds }: Effort,
): Promise<void> {
  const details = await fc.check(property as IAsyncProperty<Values>, {
    seed,
    numRuns: runs,
    interruptAfterTimeLimit: seconds * 1000,
  })
  if (!details.failed) return
  const { counterexample, errorInstance } = details
  const example = JSON.stringify(counterexample)
  const shown =
    example.length > mostShown ? `${example.slice(0, mostShown)}… (${example.length} characters)` : example
  const why =
    errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance)
  throw new Error(`seed ${seed}: ${why.slice(0, mostShown)}\nwith ${shown}`, { cause: errorInstance })
}
