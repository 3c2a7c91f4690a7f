import type { LockReport } from '../../src/protocol/reports.ts'
import { isRunning } from '../fixtures/home.ts'
import { DaemonClient } from './daemon-client.ts'
import type { Bench } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { startLive, startPlain } from './live-process.ts'
import type { LiveProcesses } from './live-process.ts'
import { compare } from './measure.ts'

interface Plan {
  readonly name: string
  readonly live: number
  readonly target: number
  readonly rounds: number
}

/** From the call to "nothing usable left", over ending the same kubectl by hand. */
export function lockFigure(bench: Bench): Promise<Figure> {
  return endingFigure(bench, { name: 'lock with one live process', live: 1, target: 20, rounds: 9 }, lock)
}

export function largeLockFigure(bench: Bench): Promise<Figure> {
  const plan = { name: 'lock with 200 live processes', live: 200, target: 1_000, rounds: 3 }
  return endingFigure(bench, plan, lock)
}

/** From the kill of the daemon to the end of the last of them: nobody else is left who could end them. */
export function daemonKilledFigure(bench: Bench): Promise<Figure> {
  const plan = { name: 'daemon killed, 200 live processes', live: 200, target: 1_000, rounds: 3 }
  return endingFigure(bench, plan, killDaemon)
}

type End = (bench: Bench, live: LiveProcesses) => Promise<number>

async function endingFigure(bench: Bench, { name, live, target, rounds }: Plan, end: End): Promise<Figure> {
  const { home } = bench
  const warmUp = live === 1 ? 1 : 0
  const measured = await compare(
    async () => {
      await home.unlock('--all')
      return end(bench, await startLive(bench, live))
    },
    async () => terminate(await startPlain(bench, live)),
    { rounds, warmUp },
  )
  await home.unlock('--all')
  const whom = live === 1 ? 'the same kubectl' : 'the same kubectls'
  const baseline = { name: `TERM to ${whom}`, value: measured.b, unit: 'ms' }
  return { name, value: measured.a, unit: 'ms', baseline, target, better: 'at most', rounds: measured.rounds }
}

async function terminate({ pids, ended }: LiveProcesses): Promise<number> {
  const startedAt = performance.now()
  for (const pid of pids) process.kill(pid, 'SIGTERM')
  await ended
  return performance.now() - startedAt
}

async function lock({ home }: Bench, { pids }: LiveProcesses): Promise<number> {
  const client = await DaemonClient.toDaemonOf(home)
  const startedAt = performance.now()
  const { report } = await client.ask('session.lock', {})
  const answeredAfterMs = performance.now() - startedAt
  const left = pids.filter(isRunning).length
  client.close()
  const locked = (report as LockReport[]).filter(({ wasUnlocked }) => wasUnlocked)
  const failures = locked.flatMap((one) => one.failures)
  if (left > 0 || locked.length === 0 || failures.length > 0) {
    throw new Error(
      `the lock was answered, but: ${left > 0 ? `${left} run; ` : ''}${failures.join('; ') || 'nothing was open'}`,
    )
  }
  return answeredAfterMs
}

async function killDaemon({ home }: Bench, { pids, ended }: LiveProcesses): Promise<number> {
  const daemon = await home.daemonPid()
  if (daemon === undefined || !pids.every(isRunning)) throw new Error('not everything lives')
  const startedAt = performance.now()
  process.kill(daemon, 'SIGKILL')
  await ended
  return performance.now() - startedAt
}
