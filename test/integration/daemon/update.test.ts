import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { copyInstallation, updateInstallation } from '../../fixtures/installation.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'

interface Daemon {
  readonly pid: number
  readonly version: string
}

/** A home whose kubeguard is a copy that can be updated. */
async function installed(home: TestHome) {
  const root = copyInstallation(join(home.root, 'kubeguard'))
  const run = (...args: string[]) => home.run(join(root, 'bin', 'kubeguard'), args)
  const daemon = async (): Promise<Daemon | undefined> => {
    const { code, stdout } = await run('daemon', 'status', '--json')
    return code === 0 ? (JSON.parse(stdout) as Daemon) : undefined
  }
  const unlock = async () =>
    good(
      await home.run(join(root, 'bin', 'kubeguard'), ['unlock', '--passphrase-fd', '3'], { fd3: passphrase }),
    )
  await home.startPlayground()
  const init = ['init', '--yes', '--passphrase-fd', '3']
  good(await home.run(join(root, 'bin', 'kubeguard'), init, { fd3: passphrase }))
  return { root, run, daemon, unlock }
}

test('an update while a session is open: it stays open, and the new daemon takes over at the lock', async () => {
  await using home = makeHome()
  const { root, run, daemon, unlock } = await installed(home)
  await unlock()
  const old = await daemon()
  updateInstallation(root, '99.0.0')
  expect(good(await home.kubectl(['get', 'pods'])).stdout).toContain('Running')
  expect(await daemon()).toEqual(old)
  const doctor = await run('doctor', '--json')
  expect(doctor.stdout).toContain('the daemon is version 0.1.0, this command is 99.0.0')
  good(await run('lock'))
  const next = await until(
    'the new daemon',
    async () => {
      const found = await daemon()
      return found?.version === '99.0.0' && found
    },
    { withinMs: 60_000 },
  )
  expect(next.pid).not.toBe(old?.pid)
  await unlock()
  expect(good(await home.kubectl(['get', 'pods'])).stdout).toContain('Running')
})

test('an update while a session is open: what the lock runs is run to its end', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m', more: '    onLock: ["sleep 1", "echo done >>ran"]\n' })
  const { root, run, daemon, unlock } = await installed(home)
  await unlock()
  updateInstallation(root, '99.0.0')
  good(await run('lock'))
  await until('the new daemon', async () => (await daemon())?.version === '99.0.0', { withinMs: 60_000 })
  expect(readFileSync(join(home.home, 'ran'), 'utf8')).toBe('done\n')
  const { stdout } = await run('log', '--event', 'lock-command', '--json')
  expect(stdout.match(/"outcome":"done"/g)).toHaveLength(2)
})

test('an update while all is locked: the next unlock is the new daemon’s, and its person notices nothing', async () => {
  await using home = makeHome()
  const { root, daemon, unlock } = await installed(home)
  const old = await daemon()
  updateInstallation(root, '99.0.0')
  const { stderr } = await unlock()
  expect(stderr).toMatch(/^kubeguard: default unlocked/)
  const next = await daemon()
  expect(next).toMatchObject({ version: '99.0.0' })
  expect(next?.pid).not.toBe(old?.pid)
})

test('an update at once: daemon restart, which locks', async () => {
  await using home = makeHome()
  const { root, run, daemon, unlock } = await installed(home)
  await unlock()
  updateInstallation(root, '99.0.0')
  good(await run('daemon', 'restart'))
  expect(await daemon()).toMatchObject({ version: '99.0.0' })
  expect((await home.kubectl(['get', 'pods'])).code).toBe(77)
})

test('an update that is half done, or a program that is gone, moves no daemon', async () => {
  await using home = makeHome()
  const { root, run, daemon, unlock } = await installed(home)
  await unlock()
  const old = await daemon()
  rmSync(join(root, 'package.json'))
  good(await home.kubeguard(['lock']))
  expect((await home.kubectl(['get', 'pods'])).code).toBe(77)
  expect(await home.daemonPid()).toBe(old?.pid)
  expect((await run('daemon', 'stop')).code).not.toBe(0)
})
