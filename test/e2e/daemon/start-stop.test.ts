import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { good, isRunning, makeHome } from '../../fixtures/home.ts'
import { repository, until } from '../../fixtures/terminal.ts'
import { daemonOf, lockFile, socketOf, startedDaemons, states } from './daemon-home.ts'

test('twenty commands at once, with no daemon running, start one, and all are answered', async () => {
  await using home = makeHome()
  const runs = await Promise.all(Array.from({ length: 20 }, () => states(home)))
  expect(runs).toEqual(runs.map(() => ['locked']))
  expect(startedDaemons(home)).toEqual([await daemonOf(home)])
})

test('shims and commands at once, with no daemon running, start one; every shim is told why it may not', async () => {
  await using home = makeHome()
  await home.init()
  good(await home.kubeguard(['daemon', 'stop']))
  const before = startedDaemons(home).length
  const shims = Array.from({ length: 14 }, () => home.kubectl(['get', 'pods']))
  const commands = Array.from({ length: 6 }, () => states(home))
  for (const { code, stderr } of await Promise.all(shims)) {
    expect(stderr).toMatch(/^kubeguard: default is locked\nrun: kubeguard unlock default\n$/)
    expect(code).toBe(77)
  }
  expect(await Promise.all(commands)).toEqual(commands.map(() => ['locked']))
  expect(startedDaemons(home).slice(before)).toEqual([await daemonOf(home)])
})

test('start, status, restart, stop: each says what is so', async () => {
  await using home = makeHome()
  const none = await home.kubeguard(['daemon', 'status'])
  expect(none).toMatchObject({ code: 75, stdout: '' })
  expect(none.stderr).toBe('kubeguard: the daemon is not running\nrun: kubeguard daemon start\n')
  expect(good(await home.kubeguard(['daemon', 'stop'])).stderr).toContain('no daemon is running')

  const start = good(await home.kubeguard(['daemon', 'start']))
  const first = await daemonOf(home)
  expect(start.stderr).toContain(`process ${first}`)
  expect(good(await home.kubeguard(['daemon', 'start'])).stderr).toContain(`process ${first}`)
  expect(good(await home.kubeguard(['daemon', 'status'])).stdout).toContain(socketOf(home))

  const restart = good(await home.kubeguard(['daemon', 'restart']))
  const second = await daemonOf(home)
  expect(second).not.toBe(first)
  expect(isRunning(first)).toBe(false)
  expect(restart.stderr).toContain(`process ${second}`)

  expect(good(await home.kubeguard(['daemon', 'stop'])).stderr).toContain('the daemon has ended')
  expect(isRunning(second)).toBe(false)
  expect(existsSync(socketOf(home))).toBe(false)
  expect(readFileSync(lockFile(home), 'utf8')).toBe('')
})

test('a restart locks what was open', async () => {
  await using home = makeHome()
  await home.init()
  await home.unlock()
  expect(await states(home)).toContain('unlocked')
  good(await home.kubeguard(['daemon', 'restart']))
  expect(await states(home)).toEqual(['locked'])
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  'in the foreground it stays until %s, and locks before it ends',
  async (signal) => {
    await using home = makeHome()
    await home.init()
    good(await home.kubeguard(['daemon', 'stop']))
    const pid = home.start(join(repository, 'bin', 'kubeguard'), ['daemon', 'run'])
    await until('a daemon in the foreground', async () => (await home.daemonPid()) === pid)
    await home.unlock()
    expect(await states(home)).toContain('unlocked')
    process.kill(pid, signal)
    await until('its end', () => !isRunning(pid))
    expect(await home.daemonPid()).toBeUndefined()
    expect(existsSync(socketOf(home))).toBe(false)
    const { stdout } = good(await home.kubeguard(['log', '--json']))
    expect(stdout).toMatch(/"locked"[^]*"daemon-stopped"/)
    expect(await states(home)).toEqual(['locked'])
  },
)
