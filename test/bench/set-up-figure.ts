import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { good, makeHome, passphrase } from '../fixtures/home.ts'
import { tool } from '../fixtures/tools.ts'
import type { Bench } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { compare } from './measure.ts'

/** `init --yes` in a fresh home with start-up files for two shells; most of it is the key from the passphrase. */
export async function setUpFigure({ home }: Bench): Promise<Figure> {
  const { a, b, rounds } = await compare(
    async () => {
      await using fresh = makeHome()
      fresh.env['SHELL'] = tool('bash')
      await fresh.startPlayground()
      for (const name of ['.bashrc', '.zshrc']) writeFileSync(join(fresh.home, name), 'alias k=kubectl\n')
      const options = { fd3: passphrase, timeoutMs: 60_000 }
      const startedAt = performance.now()
      good(await fresh.kubeguard(['init', '--yes', '--passphrase-fd', '3'], options))
      return performance.now() - startedAt
    },
    async () => {
      await home.lock()
      const startedAt = performance.now()
      await home.unlock('default')
      return performance.now() - startedAt
    },
    { rounds: 3, warmUp: 0 },
  )
  await home.unlock('--all')
  return {
    name: 'first set-up (init --yes)',
    value: a,
    unit: 'ms',
    baseline: { name: 'one unlock', value: b, unit: 'ms' },
    target: 10_000,
    better: 'at most',
    rounds,
  }
}
