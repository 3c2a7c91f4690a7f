import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { node, until } from '../fixtures/terminal.ts'
import type { Bench } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { median } from './measure.ts'

/** What the daemon costs while nobody looks, over a node of the same version that only waits. */

const threePolicies = `apiVersion: kubeguard.dev/v1
policies:
  - name: first
    contexts: ["first-*"]
  - name: second
    contexts: ["second-*"]
  - name: default
    contexts: ["*"]
`

/** A daemon of its own, for which each of three policies was unlocked and locked a few times; everything is locked. */
export async function makeHistory({ home }: Bench): Promise<void> {
  writeFileSync(join(home.guardHome, 'config', 'config.yaml'), threePolicies, { mode: 0o600 })
  await home.kubeguard(['daemon', 'restart'])
  await until('the new rules in force', async () =>
    (await home.kubeguard(['policy', 'show'])).stdout.includes('second'),
  )
  for (let time = 0; time < 3; time += 1) {
    for (const policy of ['first', 'second', 'default']) await home.unlock(policy)
    await home.lock()
  }
}

function startIdleNode(): { pid: number; end: () => void } {
  const child = spawn(node, ['-e', 'setTimeout(() => {}, 2 ** 31 - 1)'], { stdio: 'ignore' })
  return { pid: child.pid ?? 0, end: () => child.kill('SIGKILL') }
}

async function daemonPid({ home }: Bench): Promise<number> {
  const pid = await home.daemonPid()
  if (pid === undefined) throw new Error('no daemon is running')
  return pid
}

/** Pages that only this process has (proc_pid_smaps(5)), in MB. @throws where this account may not look. */
function privateMegabytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kilobytes = [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].map((match) => Number(match[1]))
  return kilobytes.reduce((sum, size) => sum + size, 0) / 1024
}

const sampleMs = 5_000
const sampleStepMs = 250

export async function memoryFigure(bench: Bench): Promise<Figure> {
  const idle = startIdleNode()
  try {
    const pid = await daemonPid(bench)
    const samples: number[] = []
    for (const endsAt = performance.now() + sampleMs; performance.now() < endsAt; await wait(sampleStepMs)) {
      samples.push(privateMegabytes(pid))
    }
    const value = median(samples)
    const baseline = { name: 'an idle node', value: privateMegabytes(idle.pid), unit: 'MB' }
    return {
      name: 'daemon, private memory, 3 sessions’ history',
      value,
      unit: 'MB',
      baseline,
      target: 30,
      better: 'at most',
      rounds: 1,
    }
  } finally {
    idle.end()
  }
}

/** How often the process's threads went to sleep: each wake-up ends in one more. */
function sleeps(pid: number): number {
  const statuses = readdirSync(`/proc/${pid}/task`).map((task) =>
    readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8'),
  )
  const counts = statuses.map((status) => Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0))
  return counts.reduce((sum, count) => sum + count, 0)
}

const watchMs = 60_000
/** After the last request: connections are let go, garbage is collected. */
const settleMs = 35_000

export async function wakeUpFigure(bench: Bench): Promise<Figure> {
  const idle = startIdleNode()
  try {
    const pid = await daemonPid(bench)
    await wait(settleMs)
    const before = { daemon: sleeps(pid), idle: sleeps(idle.pid) }
    await wait(watchMs)
    const value = sleeps(pid) - before.daemon
    const baseline = { name: 'an idle node', value: sleeps(idle.pid) - before.idle, unit: '' }
    return {
      name: 'daemon, wake-ups while locked, 60 s',
      value,
      unit: '',
      baseline,
      target: 0,
      better: 'at most',
      rounds: 1,
    }
  } finally {
    idle.end()
  }
}
