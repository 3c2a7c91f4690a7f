import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { TestTerminal, until } from '../fixtures/terminal.ts'
import type { Bench } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { compare, median } from './measure.ts'

const megabytes = 100
export const session = ['exec', '-it', 'web-0', '--']

export interface Stand {
  /** A program that stands in for kubectl, and a PATH on which the shim finds it. */
  readonly program: string
  readonly shim: string
  readonly env: NodeJS.ProcessEnv
}

export function standIn({ home }: Bench): Stand {
  const folder = join(home.root, 'stream')
  const program = join(folder, 'kubectl')
  mkdirSync(folder, { recursive: true })
  const built = spawnSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'stream.c')], {
    encoding: 'utf8',
  })
  if (built.status !== 0) throw new Error(built.stderr)
  const path = [home.shims, folder, '/usr/bin', '/bin'].join(delimiter)
  return { program, shim: join(home.shims, 'kubectl'), env: { ...home.env, PATH: path } }
}

/** From a key to its echo. */
async function keyMs(terminal: TestTerminal, count: number): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < count; round += 1) {
    const before = terminal.output.length
    const startedAt = performance.now()
    const { promise, resolve } = Promise.withResolvers<void>()
    const listener = terminal.pty.onData(() => terminal.output.length > before && resolve())
    terminal.type('x')
    await promise
    listener.dispose()
    times.push(performance.now() - startedAt)
  }
  return median(times)
}

async function echoing(file: string, { env }: Stand, cwd: string): Promise<TestTerminal> {
  const terminal = new TestTerminal(file, [...session, 'echo'], env, cwd)
  await terminal.shows('!')
  return terminal
}

export async function keyFigure(bench: Bench): Promise<Figure> {
  const stand = standIn(bench)
  const ours = await echoing(stand.shim, stand, bench.home.home)
  const theirs = await echoing(stand.program, stand, bench.home.home)
  try {
    const { a, b, rounds } = await compare(
      () => keyMs(ours, 50),
      () => keyMs(theirs, 50),
      { rounds: 20 },
    )
    return {
      name: 'latency added per key of a supervised session',
      value: Math.max(0, a - b),
      unit: 'ms',
      baseline: { name: 'the same program on the same terminal', value: b, unit: 'ms' },
      target: 1,
      better: 'at most',
      rounds,
    }
  } finally {
    ours.close()
    theirs.close()
  }
}

/** Two terminals each: script(1) in both cases, and inside it ours or another script(1). */
export async function throughputFigure(bench: Bench): Promise<Figure> {
  const { program, shim, env } = standIn(bench)
  const line = (file: string): string => `${file} ${session.join(' ')} flood ${megabytes}`
  const under = (command: string) => (): void => {
    const run = spawnSync('script', ['-qec', command, '/dev/null'], {
      env,
      cwd: bench.home.home,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    if (run.status !== 0) throw new Error(`no flood: ${String(run.stderr)}`)
  }
  const { a, b, rounds } = await compare(
    under(line(shim)),
    under(`script -qec "${line(program)}" /dev/null`),
    { rounds: 3, warmUp: 0 },
  )
  const perSecond = (ms: number): number => (megabytes * 1000) / ms
  return {
    name: `throughput of a supervised session, ${megabytes} MB, over that of script(1)`,
    value: b / a,
    unit: '×',
    baseline: { name: 'script -qc around the same program', value: perSecond(b), unit: 'MB/s' },
    target: 0.8,
    better: 'at least',
    rounds,
  }
}

export async function supervisorStartFigure(bench: Bench): Promise<Figure> {
  const stand = standIn(bench)
  const run = (file: string) => async (): Promise<number> => {
    const startedAt = performance.now()
    const terminal = new TestTerminal(file, [...session, 'nothing'], stand.env, bench.home.home)
    await new Promise((resolve) => terminal.pty.onExit(resolve))
    return performance.now() - startedAt
  }
  const { a, b, rounds } = await compare(run(stand.shim), run(stand.program), { rounds: 40 })
  return {
    name: 'start and end of a supervised session, gate included',
    value: Math.max(0, a - b),
    unit: 'ms',
    baseline: { name: 'the same program on a terminal', value: b, unit: 'ms' },
    target: 10,
    better: 'at most',
    rounds,
  }
}

/** What the supervisor and its warden have for themselves. */
export async function supervisorMemoryFigure(bench: Bench): Promise<Figure> {
  const stand = standIn(bench)
  using terminal = await echoing(stand.shim, stand, bench.home.home)
  const pids = await until('the supervisor', () => {
    const found = readdirSync('/proc').filter((pid) => isSupervisor(pid, bench.home.guardHome))
    return found.length === 2 ? found : undefined
  })
  const kilobytes = pids.map(privateKilobytes).reduce((sum, each) => sum + each, 0)
  const daemon = (await bench.home.daemonPid()) as number
  terminal.type('q')
  await terminal.ended()
  return {
    name: 'private memory of a supervised session',
    value: kilobytes / 1024,
    unit: 'MB',
    baseline: { name: 'the daemon', value: privateKilobytes(String(daemon)) / 1024, unit: 'MB' },
    target: 30,
    better: 'at most',
    rounds: 1,
  }
}

function isSupervisor(pid: string, guardHome: string): boolean {
  try {
    const name = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[0] ?? ''
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1')
    return name.endsWith('/kubeguard-supervisor') && environment.includes(`KUBEGUARD_HOME=${guardHome}\0`)
  } catch {
    return false
  }
}

function privateKilobytes(pid: string): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  return [...text.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((sum, [, size]) => sum + Number(size), 0)
}
