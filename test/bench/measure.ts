/** Something to time: it returns its own time in ms, or is timed from call to settlement. */
type Sample = () => number | void | Promise<number | void>

/** No measurement goes on for longer than this, however many rounds are left. */
const budgetMs = 30_000
const leastRounds = 5

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low, high] = [sorted[middle - (sorted.length % 2 === 0 ? 1 : 0)], sorted[middle]]
  if (low === undefined || high === undefined) throw new Error('no samples')
  return (low + high) / 2
}

async function timed(sample: Sample): Promise<number> {
  const startedAt = performance.now()
  const own = await sample()
  return typeof own === 'number' ? own : performance.now() - startedAt
}

/**
 * Times two things in turn, A then B, then B then A, so that a machine that slows down slows both; the first
 * `warmUp` rounds are thrown away.
 * @returns the medians in ms.
 */
export async function compare(
  a: Sample,
  b: Sample,
  { rounds, warmUp = 3 }: { rounds: number; warmUp?: number },
): Promise<{ a: number; b: number; rounds: number }> {
  const times: { a: number[]; b: number[] } = { a: [], b: [] }
  const endsAt = performance.now() + budgetMs
  for (let round = -warmUp; round < rounds; round += 1) {
    const late = performance.now() > endsAt
    if (late && times.a.length >= leastRounds) break
    const order = round % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const)
    for (const which of order) {
      const ms = await timed(which === 'a' ? a : b)
      if (round >= 0) times[which].push(ms)
    }
  }
  return { a: median(times.a), b: median(times.b), rounds: times.a.length }
}
