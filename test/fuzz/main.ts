/** `npm run fuzz [-- --seconds N] [--seed N]`: kubeconfigs nobody would write; ends with exit code 1 at the first failure. */
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { Fuzzer } from './round.ts'
import { kubeconfigText } from './texts.ts'

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
})
const seed = Number(options.seed ?? Date.now() & 0x7fffffff)
/** One text of so many is shown to kubectl as well. */
const kubectlEvery = 10

using fuzzer = new Fuzzer()
try {
  await fc.assert(
    fc.asyncProperty(kubeconfigText, fc.nat({ max: kubectlEvery - 1 }), (text, draw) =>
      fuzzer.round(text, draw === 0),
    ),
    { seed, numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: Number(options.seconds) * 1000 },
  )
  console.log(`fuzz: ${JSON.stringify(fuzzer.counts)}, seed ${seed}`)
} catch (error) {
  console.error(`fuzz: failed with --seed ${seed}\n${String(error)}`)
  process.exitCode = 1
}
