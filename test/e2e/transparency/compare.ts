import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import type { Ground, Side } from './ground.ts'
import { observe } from './observe.ts'
import type { Case, Observed } from './observe.ts'

/** What a case shows without a shim, on each ground: seen once. */
const direct = new WeakMap<Ground, Map<Case, Observed>>()

async function withoutShim(ground: Ground, one: Case): Promise<Observed> {
  const seen = direct.get(ground) ?? new Map<Case, Observed>()
  direct.set(ground, seen)
  const observed = seen.get(one) ?? (await observe(ground, 'direct', one))
  seen.set(one, observed)
  return observed
}

const shown = ({ stdout, stderr, screen }: Observed): string => `${stdout}${stderr}${screen}`

const mostRuns = 6

/** Runs a case through a shim and without one: everything that can be observed is the same. @throws where it is not. */
export async function checkCase(ground: Ground, side: Exclude<Side, 'direct'>, one: Case): Promise<void> {
  for (let run = 1; ; run += 1) {
    try {
      return await compare(ground, side, one)
    } catch (error) {
      // Where it is tried once more, both sides are: what went wrong may be the run without a shim.
      direct.get(ground)?.delete(one)
      if (one.races === undefined || run === mostRuns) throw error
    }
  }
}

const mostLines = 5

/** What one side has and the other has not: in a long log an assertion's own picture is far from its message. */
function onlyIn(without: Observed, through: Observed): string {
  const [one, other] = [without, through].map((seen) => JSON.stringify(seen, null, 1).split('\n'))
  const missing = (lines: string[] = [], from: string[] = []): string[] =>
    lines.filter((line) => !from.includes(line)).slice(0, mostLines)
  return [
    ...missing(one, other).map((line) => `- ${line}`),
    ...missing(other, one).map((line) => `+ ${line}`),
  ].join('\n')
}

function expectAlike(without: Observed, through: Observed): void {
  if (!isDeepStrictEqual(through, without)) throw new Error(`differs:\n${onlyIn(without, through)}`)
}

async function compare(ground: Ground, side: Exclude<Side, 'direct'>, one: Case): Promise<void> {
  const without = await withoutShim(ground, one)
  const through = await observe(ground, side, one)
  expect(shown(without)).toMatch(one.shows)
  const { differs } = one
  const ours = differs?.shows[side]
  if (differs === undefined || ours === undefined) return expectAlike(without, through)
  expect(shown(without)).toMatch(differs.shows.direct ?? one.shows)
  expect(shown(through)).toMatch(ours)
}
