import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRunning, makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy, policyFile } from '../../fixtures/policy.ts'
import { kubectl } from '../../fixtures/tools.ts'
import { node, repository, until } from '../../fixtures/terminal.ts'
import { sessionOf } from '../commands/status.ts'

/** Locks that come when something about the ground they stand on has changed. */

function editPolicy(home: TestHome, from: string | RegExp, to: string): void {
  const text = readFileSync(policyFile(home), 'utf8')
  expect(text).toMatch(from)
  writeFileSync(policyFile(home), text.replace(from, to))
}

async function prepare(home: TestHome): Promise<void> {
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
}

/** A stream without a terminal that `status` knows of and that has its first lines. @returns its pid. */
async function openStream(
  home: TestHome,
  policy: string,
  program: string,
  args: readonly string[] = [],
): Promise<number> {
  const output = join(home.home, `stream-of-${policy}`)
  const command = ['setsid', 'sh', '-c', 'exec "$0" "$@" >"$OUTPUT"', program, ...args, 'get', 'pods', '-w']
  rmSync(output, { force: true })
  const pid = home.start('/usr/bin/env', command, { OUTPUT: output })
  await until('the first lines', () => existsSync(output) && readFileSync(output, 'utf8').includes('Running'))
  expect((await sessionOf(home, policy)).live).toContainEqual(expect.objectContaining({ pid }))
  return pid
}

async function ended(pid: number): Promise<void> {
  await until('the stream to end', () => !isRunning(pid), { withinMs: 5_000 })
}

test('a folder among the vaults that can’t be looked at holds up no lock', async () => {
  await using home = makeHome()
  await prepare(home)
  await home.unlock('default')
  const stream = await openStream(home, 'default', 'kubectl')
  const circle = join(home.guardHome, 'state', 'vaults', 'circle')
  mkdirSync(circle, { mode: 0o700 })
  symlinkSync('identity.age', join(circle, 'identity.age'))
  const daemon = await home.daemonPid()
  await home.lock()
  await ended(stream)
  expect(await home.daemonPid()).toBe(daemon)
})

test('holders: end, taken out of the policy while unlocked, holds until the next unlock', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  editPolicy(home, /idle: 10m/g, 'idle: 10m\n    holders: end')
  await home.startPlayground()
  await home.init()
  await home.unlock('default')
  const first = await openStream(home, 'default', kubectl())
  editPolicy(home, /holders: end/g, 'holders: expire')
  await home.lock('default')
  await ended(first)

  await home.unlock('default')
  const second = await openStream(home, 'default', kubectl())
  editPolicy(home, /holders: expire/g, 'holders: end')
  await home.kubeguard(['status'])
  editPolicy(home, /holders: end/g, 'holders: expire')
  await home.lock('default')
  await ended(second)
})

test('a session whose policy was taken out of the file is still there to be locked', async () => {
  await using home = makeHome()
  await prepare(home)
  editPolicy(
    home,
    'policies:\n',
    'policies:\n  - { name: free, contexts: [free], idle: 10m, lifetime: 1h, warn: 1s }\n',
  )
  await home.unlock('free')
  editPolicy(home, /.*name: free.*\n/, '')
  expect((await sessionOf(home, 'free')).state).toBe('unlocked')
  expect((await home.lock()).stderr).toContain('free locked\n')
  expect((await home.kubeguard(['status', '--json'])).stdout).not.toContain('"unlocked"')
})

test('unlocking a policy without a vault proves nothing, and forgets no wrong passphrase', async () => {
  await using home = makeHome()
  await prepare(home)
  editPolicy(
    home,
    'policies:\n',
    'policies:\n  - { name: free, contexts: [free], idle: 10m, lifetime: 1h, warn: 1s }\n',
  )
  await home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], { fd3: 'wrong' })
  await home.unlock('free')
  expect((await sessionOf(home, 'default')).failedUnlocks).toBe(1)
  await home.unlock('default')
  expect((await sessionOf(home, 'default')).failedUnlocks).toBe(0)
})

test('a stream is ended by the lock of the policy whose credential it really has', async () => {
  await using home = makeHome()
  await prepare(home)
  await home.unlock('default')
  await home.unlock('prod')
  const misread = join(home.home, 'misread')
  const twice = readFileSync(home.kubeconfig, 'utf8').replaceAll(
    /^( *)- --policy$/gm,
    '$1- --policy\n$1- default\n$1- --policy',
  )
  writeFileSync(misread, twice, { mode: 0o600 })
  const aim = ['--kubeconfig', misread, '--context', 'prod-playground']
  const stream = await openStream(home, 'prod', 'kubectl', aim)
  await home.lock('prod')
  await ended(stream)
})

test('a daemon that fails locks before it goes', async () => {
  await using home = makeHome()
  await prepare(home)
  await home.kubeguard(['daemon', 'stop'])
  const program = join(home.home, 'fails-on-signal.cjs')
  const bundle = JSON.stringify(join(repository, 'dist', 'daemon.cjs'))
  writeFileSync(
    program,
    `process.on('SIGUSR2', () => setImmediate(() => { throw new Error('made to fail') }))\nrequire(${bundle})\n`,
  )
  const daemon = home.start(node, ['--disable-sigusr1', program])
  await until('the daemon', async () => (await home.daemonPid()) === daemon)
  await home.unlock('default')
  const stream = await openStream(home, 'default', 'kubectl')
  process.kill(daemon, 'SIGUSR2')
  await ended(stream)
  await until('the end of the daemon', () => !isRunning(daemon))
})
