import { join } from 'node:path'
import { kubectl } from '../fixtures/tools.ts'
import { node, repository } from '../fixtures/terminal.ts'
import { pluginCommand } from './bench-home.ts'
import type { Bench } from './bench-home.ts'
import type { ClientProcess } from './client-process.ts'
import type { Figure } from './figure.ts'
import { startLive } from './live-process.ts'
import { compare, median } from './measure.ts'

/** What a person waits for at every command: programs started, timed from start to end. */

export function shimFigure(bench: Bench, clients: ClientProcess): Promise<Figure> {
  return shimCost(bench, clients, 'shim around a program that does nothing')
}

/** The same beside 200 kubectls that watch: nobody pays for the streams of others. */
export async function crowdedShimFigure(bench: Bench, clients: ClientProcess): Promise<Figure> {
  const { ended } = await startLive(bench, 200)
  const figure = await shimCost(bench, clients, 'the same while 200 processes are live')
  await bench.home.lock()
  await ended
  await bench.home.unlock('--all')
  return figure
}

async function shimCost(
  { home, nothing, nothingPath }: Bench,
  clients: ClientProcess,
  name: string,
): Promise<Figure> {
  const env = { ...home.env, PATH: nothingPath }
  const args = ['get', 'pods']
  const { a, b, rounds } = await compare(
    () => clients.time({ file: join(home.shims, 'kubectl'), args, env }),
    () => clients.time({ file: nothing, args, env }),
    { rounds: 300, warmUp: 20 },
  )
  const baseline = { name: 'run directly', value: b, unit: 'ms' }
  return {
    name,
    value: a - b,
    unit: 'ms more',
    baseline,
    target: 2,
    better: 'at most',
    rounds,
  }
}

export async function getPodsFigure(
  { home, staticKubeconfig }: Bench,
  clients: ClientProcess,
): Promise<Figure> {
  const args = ['get', 'pods']
  const guarded = { file: join(home.shims, 'kubectl'), args, env: home.env }
  const plain = { file: kubectl(), args, env: { ...home.env, KUBECONFIG: staticKubeconfig } }
  const { a, b, rounds } = await compare(
    () => clients.time(guarded),
    () => clients.time(plain),
    { rounds: 60, warmUp: 5 },
  )
  const baseline = { name: 'same kubectl, static token', value: b, unit: 'ms' }
  return {
    name: 'kubectl get pods through shim and plugin',
    value: a / b,
    unit: '×',
    baseline,
    target: 1.08,
    better: 'at most',
    rounds,
  }
}

export async function pluginFigure(bench: Bench, clients: ClientProcess): Promise<Figure> {
  const { command, args } = pluginCommand(bench.home)
  const { a, b, rounds } = await compare(
    () => clients.time({ file: command, args, env: bench.home.env }),
    () => clients.time({ file: bench.nothing, args, env: bench.home.env }),
    { rounds: 200, warmUp: 20 },
  )
  const baseline = { name: 'a program that does nothing', value: b, unit: 'ms' }
  return {
    name: 'credential plugin, warm',
    value: a,
    unit: 'ms',
    baseline,
    target: 3,
    better: 'at most',
    rounds,
  }
}

/** What the runtime takes for nothing: by this one machine is told from another. */
export async function emptyProgramMs(clients: ClientProcess): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 20; round += 1)
    times.push(await clients.time({ file: node, args: ['-e', '0'], env: process.env }))
  return median(times)
}

export async function statusFigure({ home }: Bench, clients: ClientProcess): Promise<Figure> {
  const { a, b, rounds } = await compare(
    () => clients.time({ file: join(repository, 'bin', 'kubeguard'), args: ['status'], env: home.env }),
    () => clients.time({ file: node, args: ['-e', '0'], env: home.env }),
    { rounds: 40, warmUp: 3 },
  )
  const baseline = { name: 'node -e 0', value: b, unit: 'ms' }
  return {
    name: 'kubeguard status, cold',
    value: a / b,
    unit: '×',
    baseline,
    target: 2,
    better: 'at most',
    rounds,
  }
}
