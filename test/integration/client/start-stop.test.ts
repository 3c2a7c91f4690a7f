import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { callDaemon, daemonIsRunning } from '../../../src/client/call.ts'
import { exchange } from '../../../src/client/exchange.ts'
import { startDaemon } from '../../../src/client/start-daemon.ts'
import { stopDaemon } from '../../../src/client/stop-daemon.ts'
import { places } from '../../../src/platform/dirs.ts'
import type { Dirs } from '../../../src/platform/dirs.ts'
import { acquireDaemonLock } from '../../../src/platform/lock-file.ts'
import { peerOf } from '../../../src/platform/peer.ts'
import { until } from '../../fixtures/terminal.ts'
import { guardHome, scriptedDaemon } from './scripted-daemon.ts'

const bundle = new URL('stand-in/daemon/main.ts', import.meta.url).pathname

type Manner = 'usual' | 'slow' | 'old' | 'deaf' | 'crash'

function home(manner: Manner): Dirs {
  const found = guardHome()
  writeFileSync(join(found.state, 'manner'), manner)
  return found
}

/** Starts the stand-in and sees that it goes with the test. @returns its pid. */
async function start(found: Dirs): Promise<number> {
  const socket = await startDaemon(found, bundle)
  const { pid } = peerOf(socket)
  socket.destroy()
  onTestFinished(() => {
    if (isRunning(pid)) process.kill(pid, 'SIGKILL')
  })
  return pid
}

/** A zombie whose last thread has ended is gone; before that it still holds its socket. */
function isRunning(pid: number): boolean {
  try {
    const isZombie = /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return !isZombie || readdirSync(`/proc/${pid}/task`).length > 1
  } catch {
    return false
  }
}

test('the daemon is started, in a session of its own, with an environment that carries nothing foreign', async () => {
  const found = home('slow')
  process.env['NODE_EXTRA_CA_CERTS'] = '/nowhere'
  onTestFinished(() => void delete process.env['NODE_EXTRA_CA_CERTS'])
  const pid = await start(found)
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3])
  expect(session).toBe(pid)
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  expect(environment).toContain(`KUBEGUARD_HOME=${process.env['KUBEGUARD_HOME']}`)
  expect(environment.filter((entry) => /^(NODE_|LD_)/.test(entry))).toEqual([])
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toContain('--disable-sigusr1')
  expect(await stopDaemon()).toEqual({ pid, how: 'asked' })
  expect(isRunning(pid)).toBe(false)
})

test('of many starters one wins, and each finds the one', async () => {
  const found = home('usual')
  const pids = await Promise.all(Array.from({ length: 6 }, () => start(found)))
  expect(new Set(pids).size).toBe(1)
  const socket = await startDaemon(found, bundle)
  const { report } = await exchange(socket, 'daemon', 'daemon.status', {}, 5_000)
  expect(report).toEqual({ pid: pids[0] })
  expect((await stopDaemon()).how).toBe('asked')
})

test('a daemon that finds the lock held by one that is just ending is started again', async () => {
  const found = home('usual')
  const ending = acquireDaemonLock(places.lockFile(found))
  const started = start(found)
  await until('a daemon that lost', () => existsSync(join(found.state, 'lost')))
  ending?.release()
  await started
  expect((await stopDaemon()).how).toBe('asked')
})

test('a daemon that ends at once is said so, with the log’s name', async () => {
  const found = home('crash')
  await expect(startDaemon(found, bundle)).rejects.toMatchObject({
    code: 'daemon-unreachable',
    message: 'the daemon can’t be started: it ended with exit code 3',
    cure: expect.stringContaining(places.logFile(found)),
    exitCode: 75,
  })
})

test('a daemon that is not installed is said so', async () => {
  await expect(startDaemon(home('usual'), '/nowhere/daemon.cjs')).rejects.toMatchObject({
    code: 'daemon-unreachable',
    message: 'the daemon can’t be started: /nowhere/daemon.cjs is missing',
    cure: 'install kubeguard again',
  })
})

test('a daemon of another protocol version is told apart, and ended by a signal', async () => {
  const pid = await start(home('old'))
  await expect(callDaemon('daemon.status', {}, { start: false })).rejects.toMatchObject({
    code: 'version-mismatch',
  })
  expect(await stopDaemon()).toEqual({ pid, how: 'signalled' })
  expect(isRunning(pid)).toBe(false)
})

test('a daemon that answers nothing and ignores SIGTERM is killed', async () => {
  const pid = await start(home('deaf'))
  expect(await stopDaemon({ politeMs: 200, termMs: 300 })).toEqual({ pid, how: 'signalled' })
  expect(isRunning(pid)).toBe(false)
})

test('a daemon that is stopped (SIGSTOP) is ended', async () => {
  const pid = await start(home('usual'))
  process.kill(pid, 'SIGSTOP')
  await until('a stopped process', () => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
  expect(await stopDaemon({ politeMs: 200 })).toEqual({ pid, how: 'signalled' })
  expect(isRunning(pid)).toBe(false)
})

test('a daemon that was killed leaves nothing in the way of the next', async () => {
  const found = home('usual')
  const pid = await start(found)
  process.kill(pid, 'SIGKILL')
  await until('the end of it', () => !isRunning(pid))
  expect(await daemonIsRunning()).toBe(false)
  expect(await stopDaemon()).toEqual({ how: 'not-running' })
  const next = await start(found)
  expect(next).not.toBe(pid)
  expect(await stopDaemon()).toEqual({ pid: next, how: 'asked' })
})

test('whatever else holds the socket is not signalled', async () => {
  await scriptedDaemon(guardHome(), () => undefined)
  await expect(stopDaemon({ politeMs: 200 })).rejects.toMatchObject({
    code: 'daemon-unreachable',
    message: `process ${process.pid} holds the socket, but is not a kubeguard daemon`,
  })
})
