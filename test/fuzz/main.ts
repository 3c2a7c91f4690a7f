/** `npm run fuzz [-- --seconds N] [--only NAME] [--seed N]`: ends with exit code 1 where a promise was broken. */
import { parseArgs } from 'node:util'
import { forSeconds } from './target.ts'
import { targets } from './targets.ts'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    only: { type: 'string' },
    seed: { type: 'string' },
    help: { type: 'boolean' },
  },
})
const seed = Number(options.seed ?? Date.now() & 0x7fffffff)
const chosen = targets.filter(({ name }) => options.only === undefined || name === options.only)
const seconds = Number(options.seconds)

if (options.help === true || chosen.length === 0 || !(seconds > 0) || !Number.isSafeInteger(seed)) {
  const lines = targets.map(({ name, about }) => `  ${name.padEnd(16)}${about}`)
  console.log(['fuzz [--seconds N, shared by all] [--only NAME] [--seed N]', ...lines].join('\n'))
  process.exit(options.help === true ? 0 : 64)
}

for (const target of chosen) {
  try {
    const counts = await target.run(forSeconds(seconds / chosen.length, seed))
    console.log(`fuzz: ${target.name}: ${JSON.stringify(counts)}, seed ${seed}`)
  } catch (error) {
    console.error(`fuzz: ${target.name}: failed with --only ${target.name} --seed ${seed}\n${String(error)}`)
    process.exitCode = 1
  }
}
