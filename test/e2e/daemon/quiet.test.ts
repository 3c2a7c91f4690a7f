import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { makeHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { daemonOf } from './daemon-home.ts'

const windowMs = 10_000

/** How often any thread of the process went to sleep: each wake-up ends in one more (proc_pid_status(5)). */
function sleeps(pid: number): number {
  const counts = readdirSync(`/proc/${pid}/task`).map((task) => {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')
    return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1])
  })
  return counts.reduce((sum, count) => sum + count, 0)
}

test('while everything is locked and nobody asks, the daemon does not wake up', async () => {
  await using home = makeHome()
  await home.init()
  await home.unlock()
  await home.lock()
  const pid = await daemonOf(home)
  // The last alarm of the session that was open, and the garbage of what was asked, come first.
  const quiet = async (): Promise<boolean> => {
    const before = sleeps(pid)
    await pause(windowMs)
    return sleeps(pid) === before
  }
  expect(await until('ten seconds without a wake-up', quiet, { withinMs: 80_000 })).toBe(true)
})
