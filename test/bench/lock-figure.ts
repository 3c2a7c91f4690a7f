import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { LockReport } from '../../src/protocol/reports.ts'
import { isRunning } from '../fixtures/home.ts'
import { kubectl } from '../fixtures/tools.ts'
import { DaemonClient } from './daemon-client.ts'
import type { Bench } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { compare } from './measure.ts'

interface Watch {
  readonly pid: number
  readonly ended: Promise<unknown>
}

/** Starts `kubectl get pods --watch`, and waits for its first line: from then on it is live. */
async function startWatch(file: string, env: NodeJS.ProcessEnv): Promise<Watch> {
  const child = spawn(file, ['get', 'pods', '--watch'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  })
  const ended = once(child, 'exit')
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => Promise.reject(new Error('the watch ended at once'))),
  ])
  return { pid: child.pid ?? 0, ended }
}

/** Lock with one live process: from the call to "nothing usable left", over ending the same kubectl by hand. */
export async function lockFigure({ home, staticKubeconfig }: Bench): Promise<Figure> {
  const client = await DaemonClient.toDaemonOf(home)
  const { a, b, rounds } = await compare(
    async () => {
      await home.unlock('--all')
      const watch = await startWatch(join(home.shims, 'kubectl'), home.env)
      return lockOnce(client, watch)
    },
    async () => {
      const watch = await startWatch(kubectl(), { ...home.env, KUBECONFIG: staticKubeconfig })
      const startedAt = performance.now()
      process.kill(watch.pid, 'SIGTERM')
      await watch.ended
      return performance.now() - startedAt
    },
    { rounds: 9, warmUp: 1 },
  )
  client.close()
  await home.unlock('--all')
  const baseline = { name: 'TERM to the same kubectl', value: b, unit: 'ms' }
  return {
    name: 'lock with one live process',
    value: a,
    unit: 'ms',
    baseline,
    target: 20,
    better: 'at most',
    rounds,
  }
}

async function lockOnce(client: DaemonClient, watch: Watch): Promise<number> {
  const startedAt = performance.now()
  const { report } = await client.ask('session.lock', {})
  const answeredAfterMs = performance.now() - startedAt
  const left = isRunning(watch.pid)
  const locked = (report as LockReport[]).filter(({ wasUnlocked }) => wasUnlocked)
  const failures = locked.flatMap((lock) => lock.failures)
  if (left || locked.length === 0 || failures.length > 0) {
    throw new Error(
      `the lock was answered, but: ${left ? 'the watch runs; ' : ''}${failures.join('; ') || 'nothing was open'}`,
    )
  }
  return answeredAfterMs
}
