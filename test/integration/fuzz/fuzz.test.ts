import { describe, expect, test } from 'vitest'
import { forRuns } from '../../fuzz/target.ts'
import { targets } from '../../fuzz/targets.ts'

/** A seed that is always the same, and one that is another every time: what it finds says how to find it again. */
const seeds = [1, Date.now() & 0x7fffffff]

/** Compilers and real programs, on a machine that does other things too. */
const slowMachineMs = 600_000

describe.each(targets)('a short run of $name', ({ name, shortRuns, run }) => {
  test('breaks no promise', { timeout: slowMachineMs }, async () => {
    for (const seed of seeds) {
      const counts = await run(forRuns(shortRuns, seed)).catch((error: unknown) => {
        throw new Error(`run: npm run fuzz -- --only ${name} --seed ${seed}`, { cause: error })
      })
      const done = Object.values(counts).reduce((sum, count) => sum + count, 0)
      expect(done).toBeGreaterThanOrEqual(shortRuns)
    }
  })
})
