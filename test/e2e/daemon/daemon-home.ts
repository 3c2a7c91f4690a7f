import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunning } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'

export const lockFile = (home: TestHome): string => join(home.guardHome, 'state', 'daemon.lock')
export const socketOf = (home: TestHome): string => join(home.guardHome, 'run', 'daemon.sock')

/** The pids of all daemons that ever were ready in this home, in order, as its log has them. */
export function startedDaemons(home: TestHome): number[] {
  return readFileSync(join(home.guardHome, 'state', 'log', 'daemon.log'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { msg: string; pid: number })
    .filter(({ msg }) => msg === 'ready')
    .map(({ pid }) => pid)
}

/** @throws Error when none is running. */
export async function daemonOf(home: TestHome): Promise<number> {
  const pid = await home.daemonPid()
  if (pid === undefined) throw new Error('no daemon is running')
  return pid
}

export async function kill(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  await until('the end of the daemon', () => !isRunning(pid))
}

interface Status {
  readonly sessions: readonly { readonly policy: string; readonly state: string }[]
}

/** The states that `kubeguard status` shows, each once. */
export async function states(home: TestHome): Promise<string[]> {
  const { stdout } = await home.kubeguard(['status', '--json'])
  return [...new Set((JSON.parse(stdout) as Status).sessions.map(({ state }) => state))]
}
