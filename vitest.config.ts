import { defineConfig } from 'vitest/config'

/**
 * Real processes, terminals and kernel ticks on a machine that does other things too: where nobody watches, such a
 * test may be tried once more, and the report says so. Of the bypass matrix only a case that something was too slow
 * for is, by itself (test/bypass/besiege.ts).
 */
const onceMore = process.env['CI'] === undefined ? 0 : 1

/** One project per kind of test; each names what it may touch in docs and CONTRIBUTING.md. */
const project = (name: string, testTimeout: number, retry = 0, more = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: testTimeout,
    pool: 'forks' as const,
    retry,
    ...more,
  },
})

export default defineConfig({
  test: {
    projects: [
      project('unit', 20_000),
      project('integration', 120_000, onceMore),
      project('shell', 60_000, onceMore),
      project('e2e', 120_000, onceMore),
      project('faults', 120_000, onceMore),
      project('bypass', 180_000),
      project('cluster', 180_000, onceMore, { globalSetup: 'test/cluster/setup.ts' }),
    ],
    maxWorkers: 2,
    reporters: ['default'],
  },
})
