import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { good, makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { sessionOf, statusOf } from './status.ts'

test('status: the exit code of the policy asked for, a table for people, a document for programs; lock', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m', lifetime: '2h' })
  await home.startPlayground()
  await home.init()
  await home.unlock('prod')
  const code = async (...args: string[]) => (await home.kubeguard(['status', ...args])).code
  expect(await code()).toBe(77)
  expect(await code('prod')).toBe(0)
  expect(await code('default')).toBe(77)
  expect(await home.kubeguard(['status', 'nowhere'])).toMatchObject({ code: 64, stdout: '' })
  good(await home.realKubectl(['config', 'use-context', 'prod-playground']))
  expect(await code()).toBe(0)

  const live = home.start('/usr/bin/env', ['kubectl', 'get', 'pods', '-w'])
  await until('the live process', async () => (await sessionOf(home, 'prod')).live.length > 0)
  const report = await statusOf(home)
  expect(report).toMatchObject({
    schema: 1,
    currentContext: 'prod-playground',
    currentPolicy: 'prod',
    problems: [],
    sessions: [
      {
        policy: 'prod',
        state: 'unlocked',
        contexts: ['prod-*'],
        idleMs: 600_000,
        lifetimeMs: 7_200_000,
        failedUnlocks: 0,
        hasVault: true,
        credentials: 1,
      },
      { policy: 'default', state: 'locked', contexts: ['*'], live: [], hasVault: true, credentials: 1 },
    ],
  })
  const [prod] = report.sessions
  expect(prod?.idleLeftMs).toBeGreaterThan(500_000)
  expect(prod?.idleLeftMs).toBeLessThanOrEqual(600_000)
  expect(prod?.lifetimeLeftMs).toBeLessThanOrEqual(7_200_000)
  expect(prod?.unlockedAtMs).toBeLessThanOrEqual(Date.now())
  expect(prod?.live.find(({ kind }) => kind === 'live')).toMatchObject({ pid: live, hasTerminal: false })

  const table = (await home.kubeguard(['status'])).stdout
  expect(table).toMatch(/^policy +state +idle left +lifetime left +credentials +notes$/m)
  expect(table).toMatch(/^prod +unlocked +(9m\d+s|10m) +(1h59m|2h) +1 +current context prod-playground$/m)
  expect(table).toMatch(/^default +locked +1/m)
  expect(table).toMatch(
    new RegExp(`^ {2}prod: kubectl get pods \\(${live}\\), prod-playground, \\d+s: ended by a lock$`, 'm'),
  )
  expect(table).not.toContain('\u001b')

  const locked = JSON.parse(good(await home.kubeguard(['lock', '--json'])).stdout) as unknown[]
  expect(locked).toMatchObject([{ policy: 'prod', wasUnlocked: true, failures: [] }, { policy: 'default' }])
  expect(await sessionOf(home, 'prod')).toMatchObject({ state: 'locked', lockReason: 'manual', live: [] })
  expect((await home.kubeguard(['status', 'prod'])).stdout).toMatch(/locked.*manual at \d\d:\d\d/)
  expect(await home.kubeguard(['lock', 'nowhere'])).toMatchObject({ code: 64 })
  expect((await home.kubeguard(['lock', 'prod'])).stderr).toBe('kubeguard: prod was locked already\n')
})

const configOf = (home: TestHome): string => join(home.guardHome, 'config', 'config.yaml')

test('policy: show, explain, and a mistake by file, line and column while the last good rules hold', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m', lifetime: '2h' })
  expect((await home.kubeguard(['policy', 'show'])).stdout).toMatch(
    /^prod +prod-\* +10m +2h +1s +auto +~ +kill +expire/m,
  )
  expect(await home.kubeguard(['policy', 'check'])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: 'kubeguard: no mistakes found\n',
  })
  const explain = good(await home.kubeguard(['policy', 'explain', 'prod-eu']))
  expect(explain.stdout).toMatch(
    /^prod-eu: policy prod, because first policy whose contexts \(prod-\*\) match$/m,
  )
  writePolicy(home, { idle: '10m', lifetime: '2h', env: 'TOKEN' })
  const withEnv = await until('the new rules', async () => {
    const { stdout } = await home.kubeguard(['policy', 'explain', 'prod-eu'])
    return stdout.includes('TOKEN') ? stdout : undefined
  })
  expect(withEnv).toMatch(/^env +TOKEN +\S+config\.yaml$/m)
  const other = good(await home.kubeguard(['policy', 'explain', 'x\u001b[31m', '--json']))
  expect(JSON.parse(other.stdout)).toMatchObject({ policy: 'default' })

  const text = 'apiVersion: kubeguard.dev/v1\npolicies:\n  - name: prod\n    contexts: ["*"]\n    idle: 10x\n'
  writeFileSync(configOf(home), text)
  const broken = await until('the mistake to be noticed', async () => {
    const run = await home.kubeguard(['policy', 'check'])
    return run.code === 78 ? run : undefined
  })
  expect(broken.stdout).toMatch(/config\.yaml:5:\d+: .+\n {2}.+\n/)
  const problems = JSON.parse((await home.kubeguard(['policy', 'check', '--json'])).stdout) as unknown[]
  expect(problems).toMatchObject([{ file: configOf(home), line: 5 }])
  const show = await home.kubeguard(['policy', 'show'])
  expect(show.stdout).toMatch(/^prod +prod-\* +10m +2h/m)
  expect(show.stderr).toMatch(/last good rules are in force\nrun: kubeguard policy check\n/)
  expect((await statusOf(home)).problems).toEqual([expect.stringMatching(/config\.yaml:5:\d+: /)])
  expect((await home.kubeguard(['status'])).stdout).toMatch(/^! .*config\.yaml:5:/)
  writePolicy(home, { idle: '9m' })
  await until('the mended rules', async () => (await statusOf(home)).problems.length === 0)
  expect((await home.kubeguard(['policy', 'show'])).stdout).toMatch(/^prod +prod-\* +9m/m)
})
