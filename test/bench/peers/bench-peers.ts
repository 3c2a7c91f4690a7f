import { prepare } from '../bench-home.ts'
import type { Bench } from '../bench-home.ts'
import { ClientProcess } from '../client-process.ts'
import { slownessOf } from '../figure.ts'
import { emptyProgramMs } from '../start-figures.ts'
import { agentContests } from './agents.ts'
import type { Contest } from './contest.ts'
import { hookPromptContest, hookStartContest } from './hooks.ts'
import { buildKubelogin } from './kubelogin.ts'
import { contestTable, writePage } from './page.ts'
import { pluginContest } from './plugins.ts'
import { shimContest } from './shims.ts'

const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`)

/** `npm run bench -- --peers`: what people use for parts of the same, in one run; written into docs/performance.md. */
export async function benchPeers(): Promise<void> {
  // Before anything is measured.
  await buildKubelogin(say)
  const bench = await prepare()
  const clients = new ClientProcess()
  try {
    const slowness = slownessOf(await emptyProgramMs(clients))
    const contests: Contest[] = []
    const all: ((bench: Bench) => Promise<Contest | readonly Contest[]>)[] = [
      (one) => shimContest(one, clients),
      (one) => pluginContest(one, clients, say),
      hookStartContest,
      hookPromptContest,
      agentContests,
    ]
    for (const measure of all) {
      const measured = [await measure(bench)].flat()
      for (const contest of measured) say(`\n${contestTable(contest)}\n`)
      contests.push(...measured)
    }
    writePage(contests, slowness)
    say('written into docs/performance.md and docs/performance.svg')
  } finally {
    await clients.end()
    await bench.home.dispose()
  }
}
