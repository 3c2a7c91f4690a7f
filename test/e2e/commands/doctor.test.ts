import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DaemonReport } from '../../../src/protocol/reports.ts'
import { good, isRunning, makeHome, passphrase } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { filesWith, secretsOf, viewOf } from './secrets.ts'
import { statusOf } from './status.ts'

interface Finding {
  readonly level: string
  readonly message: string
  readonly cure: string
}

test('doctor: names each problem with its cure; init mends what it can', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  const none = await home.kubeguard(['doctor'])
  expect(none).toMatchObject({ code: 1 })
  expect(none.stdout).toMatch(/^problem: kubeguard is not set up for this account\n {2}run: kubeguard init$/m)
  await home.startPlayground()
  await home.init()
  const problems = async (env: NodeJS.ProcessEnv = {}): Promise<Finding[]> => {
    const { code, stdout } = await home.kubeguard(['doctor', '--json'], { env })
    const { schema, findings } = JSON.parse(stdout) as { schema: number; findings: Finding[] }
    expect(schema).toBe(1)
    const found = findings.filter(({ level }) => level === 'problem')
    expect(code).toBe(found.length > 0 ? 1 : 0)
    for (const { cure } of found) expect(cure).not.toBe('')
    // What the machine does with swap is not this installation's.
    return found.filter(({ message }) => !message.includes('swaps memory'))
  }
  expect(await problems()).toEqual([])

  const vault = join(home.guardHome, 'state', 'vaults', 'prod', 'vault.age')
  chmodSync(vault, 0o644)
  expect(await problems()).toMatchObject([
    { message: `${vault} is open to other users`, cure: `run: chmod 600 ${vault}` },
  ])
  chmodSync(vault, 0o600)
  expect(await problems({ PATH: home.env['PATH']?.split(':').slice(1).join(':') })).toMatchObject([
    { message: 'the shims are not on PATH' },
  ])
  const shim = join(home.shims, 'kubectl')
  rmSync(shim)
  symlinkSync('/bin/true', shim)
  expect((await problems()).map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/kubectl does not lead to /),
  )
  await home.init()
  writeFileSync(join(home.guardHome, 'config', 'config.yaml'), 'policies: 3\n')
  await until('the broken policy file to be named', async () => {
    const [first] = await problems()
    return first !== undefined && /config\.yaml:\d+:\d+: /.test(first.message)
  })
})

test('daemon: status starts none, start, restart locks, stop; run stays in the foreground', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  expect(await home.kubeguard(['daemon', 'status'])).toMatchObject({ code: 75, stdout: '' })
  expect(await home.daemonPid()).toBeUndefined()
  expect(good(await home.kubeguard(['daemon', 'stop'])).stderr).toMatch(/no daemon is running/)
  good(await home.kubeguard(['daemon', 'start']))
  const pid = await home.daemonPid()
  good(await home.kubeguard(['daemon', 'start']))
  expect(await home.daemonPid()).toBe(pid)
  const report = JSON.parse(good(await home.kubeguard(['daemon', 'status', '--json'])).stdout) as DaemonReport
  expect(report).toMatchObject({ pid, problems: [] })
  expect(existsSync(report.logFile)).toBe(true)
  await home.startPlayground()
  await home.init()
  await home.unlock('default')
  good(await home.kubeguard(['daemon', 'restart']))
  const second = await home.daemonPid()
  expect(second).not.toBe(pid)
  expect(isRunning(Number(pid))).toBe(false)
  expect((await statusOf(home)).sessions.map(({ state }) => state)).toEqual(['locked', 'locked'])
  expect(await home.realKubectl(['get', 'pods'])).not.toMatchObject({ code: 0 })
  good(await home.kubeguard(['daemon', 'stop']))
  expect(await home.daemonPid()).toBeUndefined()
  // Whoever needs it starts it.
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 77 })
  good(await home.kubeguard(['daemon', 'stop']))
  const foreground = home.start(join(import.meta.dirname, '../../../bin/kubeguard'), ['daemon', 'run'])
  await until('the daemon in the foreground', async () => (await home.daemonPid()) === foreground)
})

test('uninstall: a wrong passphrase loses nothing; then all is back, and nothing of ours is left', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  const profile = join(home.home, '.bashrc')
  writeFileSync(profile, 'export EDITOR=vi\n')
  const before = await viewOf(home, home.kubeconfig)
  home.env['SHELL'] = '/bin/bash'
  await home.init()
  expect(readFileSync(profile, 'utf8')).toContain('kubeguard')
  await home.unlock('default')
  const daemon = Number(await home.daemonPid())
  const uninstall = (fd3: string, ...flags: string[]) =>
    home.kubeguard(['uninstall', ...flags, '--passphrase-fd', '3'], { fd3 })

  const adopted = readFileSync(home.kubeconfig)
  // Without the file there is no place to put the credentials back into: they stay, and so does everything.
  rmSync(home.kubeconfig)
  const eject = await home.kubeguard(['eject', '--yes', '--passphrase-fd', '3'], { fd3: passphrase })
  expect(eject).toMatchObject({ code: 78, stdout: '' })
  expect(eject.stderr).toMatch(/^kubeguard: playground is kept in the vault: .*\n.+\n/m)
  const stopped = await uninstall(passphrase, '--yes')
  expect(stopped).toMatchObject({ code: 78 })
  expect(stopped.stderr).toMatch(/nothing was removed\n.*kubeguard uninstall --to FILE\n$/)
  writeFileSync(home.kubeconfig, adopted, { mode: 0o600 })

  expect(await uninstall(passphrase)).toMatchObject({ code: 64 })
  expect(await uninstall('not my passphrase', '--yes')).toMatchObject({ code: 77 })
  expect(readFileSync(home.kubeconfig)).toEqual(adopted)
  expect(readFileSync(profile, 'utf8')).toContain('kubeguard')
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 0 })

  good(await uninstall(passphrase, '--yes'))
  expect(await viewOf(home, home.kubeconfig)).toEqual(before)
  expect(await home.realKubectl(['get', 'pods'])).toMatchObject({ code: 0 })
  expect(readFileSync(profile, 'utf8')).toBe('export EDITOR=vi\n')
  for (const folder of ['config', 'state', 'run', 'data'])
    expect(existsSync(join(home.guardHome, folder))).toBe(false)
  await until('the end of the daemon', () => !isRunning(daemon))
  expect(filesWith(home.root, secretsOf(home.kubeconfig))).toEqual([home.kubeconfig])
  expect(good(await uninstall(passphrase, '--yes')).stderr).toBe('kubeguard: nothing is installed\n')
})
