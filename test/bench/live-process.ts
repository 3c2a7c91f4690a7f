import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { kubectl } from '../fixtures/tools.ts'
import type { Bench } from './bench-home.ts'

/** Real kubectls that watch, each with its stream open. */
export interface LiveProcesses {
  readonly pids: readonly number[]
  /** Resolves when the last of them has ended. */
  readonly ended: Promise<unknown>
}

/** More at once would only wait for a processor. */
const startedAtOnce = 4

/** Behind the shim: live, and known to the daemon. */
export function startLive({ home }: Bench, count: number): Promise<LiveProcesses> {
  return start(join(home.shims, 'kubectl'), home.env, count)
}

/** The same kubectl with a static token, of which kubeguard knows nothing. */
export function startPlain({ home, staticKubeconfig }: Bench, count: number): Promise<LiveProcesses> {
  return start(kubectl(), { ...home.env, KUBECONFIG: staticKubeconfig }, count)
}

async function start(file: string, env: NodeJS.ProcessEnv, count: number): Promise<LiveProcesses> {
  const started: Watch[] = []
  let left = count
  const startSome = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      started.push(await startWatch(file, env))
    }
  }
  await Promise.all(Array.from({ length: startedAtOnce }, startSome))
  return { pids: started.map(({ pid }) => pid), ended: Promise.all(started.map(({ ended }) => ended)) }
}

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
