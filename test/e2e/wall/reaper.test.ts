import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRunning, makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { isStopped, readProcStat, scanProcesses } from '../../../src/platform/processes/proc-stat.ts'
import { daemonOf, kill } from '../daemon/daemon-home.ts'

const stream = ['kubectl', 'exec', 'web-0', '--', 'sh', '-c', 'echo works; sleep 600'] as const

/** Something live through the shim. Resolves when it is known to the daemon, with its pid. */
async function startStream(home: TestHome): Promise<number> {
  const before = liveTable(home)
  const pid = home.start('/usr/bin/env', stream)
  await until('a live process', () => liveTable(home) !== before && reaperOf(home) !== undefined)
  return pid
}

const tableOf = (home: TestHome): string => join(home.guardHome, 'state', 'live')
const liveTable = (home: TestHome): string =>
  existsSync(tableOf(home)) ? readFileSync(tableOf(home), 'utf8') : ''

/** The reaper of this home's daemon. */
function reaperOf(home: TestHome): number | undefined {
  const isReaper = (pid: number): boolean =>
    /kubeguard-reaper|reaper\.cjs/.test(read(pid, 'cmdline')) &&
    read(pid, 'environ').includes(`KUBEGUARD_HOME=${home.guardHome}\0`)
  return [...scanProcesses().keys()].find((pid) => isRunning(pid) && isReaper(pid))
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

async function openHome(): Promise<TestHome> {
  const home = makeHome()
  await home.startPlayground()
  await home.init()
  await home.unlock()
  return home
}

test('a daemon that is killed: what lives is ended at once', async () => {
  await using home = await openHome()
  const live = await startStream(home)
  const reaper = reaperOf(home) as number
  await kill(await daemonOf(home))
  await until('the end of it', () => !isRunning(live) && !isRunning(reaper), { withinMs: 3_000 })
})

test('a daemon that is stopped: what lives is ended when its heartbeat was missed', async () => {
  await using home = await openHome()
  const live = await startStream(home)
  const daemon = await daemonOf(home)
  process.kill(daemon, 'SIGSTOP')
  try {
    await until('the end of it', () => !isRunning(live), { withinMs: 30_000 })
  } finally {
    process.kill(daemon, 'SIGCONT')
  }
})

/** Kills the reaper. @returns the next one. */
async function nextReaper(home: TestHome): Promise<number> {
  const first = reaperOf(home) as number
  process.kill(first, 'SIGKILL')
  return until('another reaper', () => {
    const now = reaperOf(home)
    return now !== first && now
  })
}

test('a reaper that is killed is started again, each time, and ends what lives', async () => {
  await using home = await openHome()
  const live = await startStream(home)
  // One that is killed within a second is started when that is over: by whatever part of a millisecond.
  let last = 0
  for (let round = 0; round < 6; round += 1) last = await nextReaper(home)
  expect(isRunning(live)).toBe(true)
  await kill(await daemonOf(home))
  await until('the end of it', () => !isRunning(live) && !isRunning(last))
})

test('a reaper that is stopped keeps no lock from ending what lives', async () => {
  await using home = await openHome()
  const live = await startStream(home)
  const reaper = reaperOf(home) as number
  process.kill(reaper, 'SIGSTOP')
  await until('it to stand still', () => isStopped(readProcStat(reaper) as never))
  await home.lock()
  expect(isRunning(live)).toBe(false)
})

test('daemon and reaper killed at once: nothing opens, and the next daemon ends what lived', async () => {
  await using home = await openHome()
  const live = await startStream(home)
  const [daemon, reaper] = [await daemonOf(home), reaperOf(home) as number]
  // Stopped first, so that neither acts on the other's end.
  for (const pid of [reaper, daemon]) process.kill(pid, 'SIGSTOP')
  for (const pid of [reaper, daemon]) process.kill(pid, 'SIGKILL')
  await until('their end', () => !isRunning(daemon) && !isRunning(reaper))
  expect(isRunning(live)).toBe(true)
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 77 })
  await until('the end of it', () => !isRunning(live))
  expect((await home.kubeguard(['log'])).stdout).toContain('left-behind-ended')
  await until('an empty table', () => liveTable(home) === '')
})

test('no reaper runs while nothing is live, or everything is locked', async () => {
  await using home = await openHome()
  expect(reaperOf(home)).toBeUndefined()
  await startStream(home)
  await home.lock()
  await until('no reaper', () => reaperOf(home) === undefined)
  expect(liveTable(home)).toBe('')
})
