import { describe, expect, test } from 'vitest'
import { forRuns } from '../../fuzz/target.ts'
import { targets } from '../../fuzz/targets.ts'

/** Always the same one: what other seeds find, `npm run fuzz` finds, and no change fails for what it has not done. */
const seed = 1

/** Compilers and real programs, on a machine that does other things too. */
const slowMachineMs = 600_000

describe.each(targets)('a short run of $name', ({ name, shortRuns, run }) => {
  test('breaks no promise', { timeout: slowMachineMs }, async () => {
    const counts = await run(forRuns(shortRuns, seed)).catch((error: unknown) => {
      throw new Error(`run: npm run fuzz -- --only ${name} --seed ${seed}`, { cause: error })
    })
    const done = Object.values(counts).reduce((sum, count) => sum + count, 0)
    expect(done).toBeGreaterThanOrEqual(shortRuns)
  })
})
