import { median } from '../measure.ts'

/** Medians hide how steady something is: a tenth of the samples lies below `low`, a tenth above `high`. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
  readonly rounds: number
}

/** One of those that are compared. */
export interface Peer {
  readonly name: string
  readonly isOurs: boolean
  readonly spread: Spread
}

/** The same thing done by several programs. */
export interface Contest {
  readonly title: string
  readonly unit: 'ms' | 'MB'
  /** What was done, and what differs between them. */
  readonly about: string
  readonly peers: readonly Peer[]
}

export interface Entrant {
  readonly name: string
  readonly isOurs?: true
  /** Does it once. @returns ms */
  readonly once: () => number | Promise<number>
}

/** No contest goes on for longer than this, however many rounds are left. */
const budgetMs = 20_000
const leastRounds = 5

export function spreadOf(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN
  return { median: median(sorted), low: at(0.1), high: at(0.9), rounds: sorted.length }
}

/** Each in turn, and each round begins with another one: a machine that slows down slows all of them. */
export async function compete(
  entrants: readonly Entrant[],
  { rounds, warmUp = 2 }: { rounds: number; warmUp?: number },
): Promise<Peer[]> {
  const samples = entrants.map((): number[] => [])
  const endsAt = performance.now() + budgetMs
  for (let round = -warmUp; round < rounds; round += 1) {
    if (performance.now() > endsAt && round >= leastRounds) break
    for (let turn = 0; turn < entrants.length; turn += 1) {
      const at = (turn + Math.max(0, round)) % entrants.length
      const ms = await entrants[at]?.once()
      if (round >= 0 && ms !== undefined) samples[at]?.push(ms)
    }
  }
  return entrants.map(({ name, isOurs = false }, at) => ({
    name,
    isOurs,
    spread: spreadOf(samples[at] ?? []),
  }))
}
