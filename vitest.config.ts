import { defineConfig } from 'vitest/config'

/** One project per kind of test; each names what it may touch in docs and CONTRIBUTING.md. */
const project = (name: string, testTimeout: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: testTimeout,
    pool: 'forks' as const,
  },
})

export default defineConfig({
  test: {
    projects: [
      project('unit', 20_000),
      project('integration', 60_000),
      project('shell', 60_000),
      project('e2e', 120_000),
      project('bypass', 180_000),
    ],
    maxWorkers: 2,
    reporters: ['default'],
  },
})
