/**
 * `npm run bench [-- --json] [--full] [--only TEXT]`: the figures of README.md, each over a baseline of the same run.
 * `npm run bench -- --peers`: beside what people use for parts of the same; docs/performance.md.
 */
import { parseArgs } from 'node:util'
import { prepare } from './bench-home.ts'
import type { Bench } from './bench-home.ts'
import {
  benchCluster,
  clusterGatewayFigures,
  clusterLeftoverFigure,
  clusterPodsFigure,
  clusterRefusalFigures,
  clusterUnlockFigure,
} from './cluster-figures.ts'
import { ClientProcess } from './client-process.ts'
import { makeHistory, memoryFigure, wakeUpFigure } from './daemon-figures.ts'
import { inOneLine, slownessOf, table } from './figure.ts'
import type { Figure } from './figure.ts'
import { gateFigure, parallelGateFigure } from './gate-figure.ts'
import { gatewayFigures } from './gateway-figures.ts'
import { hookPromptFigure, hookStartFigure } from './hook-figures.ts'
import { leakFigures, streamLeakFigures } from './leak-figures.ts'
import { daemonKilledFigure, largeLockFigure, lockFigure } from './lock-figure.ts'
import { absorbFigure, adoptFigure, auditFigure } from './scribe-figures.ts'
import { misuseFigures } from './misuse-figures.ts'
import { oidcFigure } from './oidc-figure.ts'
import { setUpFigure } from './set-up-figure.ts'
import {
  crowdedShimFigure,
  emptyProgramMs,
  getPodsFigure,
  pluginFigure,
  shimFigure,
  statusFigure,
} from './start-figures.ts'
import { suspendFigures } from './suspend-figures.ts'
import { benchPeers } from './peers/bench-peers.ts'
import { unlockFigures } from './unlock-figure.ts'
import { gkePluginFigure, hasGkePlugin, slowPluginFigure } from './wrapped-figures.ts'
import {
  keyFigure,
  supervisorMemoryFigure,
  supervisorStartFigure,
  throughputFigure,
} from './supervisor-figures.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    /** Also what takes minutes: 200 live processes, 100 locks, wake-ups while locked. */
    full: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    peers: { type: 'boolean', default: false },
  },
})

type Measurement = (bench: Bench, clients: ClientProcess) => Promise<Figure | readonly Figure[]>

type Entry = readonly [name: string, measure: Measurement]

const measureMemory: Measurement = async (bench) => {
  await makeHistory(bench)
  return memoryFigure(bench)
}

const measureWakeUps: Measurement = async (bench) => {
  await bench.home.lock()
  return wakeUpFigure(bench)
}

const slow = (...entries: Entry[]): Entry[] => (options.full ? entries : [])

/** Those of a real cluster, where one is named (CONTRIBUTING.md). */
const inCluster = (...entries: Entry[]): Entry[] => (benchCluster === undefined ? [] : entries)

/** In this order: those that need an unlocked session, then those that look at a locked daemon. */
const measurements: readonly Entry[] = [
  ['shim', shimFigure],
  ['get pods', getPodsFigure],
  ['plugin', pluginFigure],
  ['slow wrapped plugin', slowPluginFigure],
  ...(hasGkePlugin() ? [['gke wrapped plugin', gkePluginFigure] as const] : []),
  ['gate', gateFigure],
  ['parallel gate', parallelGateFigure],
  ['status', statusFigure],
  ['supervisor keys', keyFigure],
  ['supervisor throughput', throughputFigure],
  ['supervisor start', supervisorStartFigure],
  ['supervisor memory', supervisorMemoryFigure],
  ['supervisor suspended', suspendFigures],
  ['hook start', hookStartFigure],
  ['hook prompt', hookPromptFigure],
  ['lock', lockFigure],
  ...slow(
    ['crowded shim', crowdedShimFigure],
    ['large lock', largeLockFigure],
    ['daemon killed', daemonKilledFigure],
    ['leaks', leakFigures],
    ['supervisor leaks', streamLeakFigures],
    ['misuse', misuseFigures],
  ),
  ['unlock', unlockFigures],
  ['gateway', gatewayFigures],
  ['oidc', oidcFigure],
  ...inCluster(
    ['cluster unlock', clusterUnlockFigure],
    ['cluster get pods', clusterPodsFigure],
    ['cluster gateway', clusterGatewayFigures],
    ['cluster refusals', clusterRefusalFigures],
    ...slow(['cluster leftovers', clusterLeftoverFigure]),
  ),
  ['set-up', setUpFigure],
  ['memory', measureMemory],
  ...slow(['wake-ups', measureWakeUps]),
  ['audit', auditFigure],
  ['absorb', absorbFigure],
  // Last: it leaves thousands of credentials in the vaults.
  ['adopt', adoptFigure],
]

async function measureAll(): Promise<void> {
  const bench = await prepare()
  const clients = new ClientProcess()
  const slowness = slownessOf(await emptyProgramMs(clients))
  const figures: Figure[] = []
  try {
    for (const [name, measure] of measurements.filter(([name]) => name.includes(options.only))) {
      process.stderr.write(`bench: ${name}\n`)
      try {
        const measured = [await measure(bench, clients)].flat()
        for (const figure of measured) process.stderr.write(`bench: ${inOneLine(figure, slowness)}\n`)
        figures.push(...measured)
      } catch (error) {
        process.stderr.write(`bench: ${name} could not be measured: ${String(error)}\n`)
        process.exitCode = 1
      }
    }
  } finally {
    await clients.end()
    await bench.home.dispose()
  }
  console.log(options.json ? JSON.stringify(figures, undefined, 2) : table(figures, slowness))
}

await (options.peers ? benchPeers() : measureAll())
