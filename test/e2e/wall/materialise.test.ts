import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { askingJob, enterAsPerson, guardedHome, reaches, sessionOf } from '../../fixtures/held-home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { daemonOf, kill } from '../daemon/daemon-home.ts'

const rules = (idle = '10m', materialize = true) => ({
  idle,
  more: `    materialize: ${String(materialize)}\n`,
})

interface PlainUser {
  readonly name: string
  readonly user: { readonly 'token'?: string; readonly 'client-key-data'?: string }
}

const usersOf = (home: TestHome): PlainUser[] =>
  (parse(readFileSync(home.kubeconfig, 'utf8')) as { users: PlainUser[] }).users

/** Names of users whose secret stands in the file. */
const inPlainText = (home: TestHome): string[] =>
  usersOf(home)
    .filter(({ user }) => user.token !== undefined || user['client-key-data'] !== undefined)
    .map(({ name }) => name)

const traces = ({ guardHome }: TestHome): string[] => {
  const folder = join(guardHome, 'state', 'traces')
  return existsSync(folder) ? readdirSync(folder) : []
}

/** As a program would that knows nothing of exec plugins. */
async function getsPodsWithoutPlugin(home: TestHome): Promise<boolean> {
  const text = readFileSync(home.kubeconfig, 'utf8')
  const server = /server:\s*(\S+)/.exec(text)?.[1] as string
  const token = usersOf(home).find(({ user }) => user.token !== undefined)?.user.token ?? 'none'
  const args = ['-sk', '-H', `Authorization: Bearer ${token}`, `${server}/api/v1/namespaces/default/pods`]
  return (await home.run('/usr/bin/curl', args)).stdout.includes('"web-0"')
}

test('unlocked, a program without plugins works; the lock takes it out, and all of it is said', async () => {
  await using home = await guardedHome(rules())
  const guarded = readFileSync(home.kubeconfig, 'utf8')
  expect(inPlainText(home)).toEqual([])
  const { stderr } = await home.unlock('default')
  expect(stderr).toContain('in plain text until the lock (materialize)')
  expect([inPlainText(home).length, await getsPodsWithoutPlugin(home)]).toEqual([1, true])
  expect(statSync(home.kubeconfig).mode & 0o777).toBe(0o600)
  expect((await home.kubectl(['get', 'pods'])).stdout).toContain('web-0')
  const { stdout } = await home.kubeguard(['status'])
  expect(stdout).toMatch(/in plain text until the lock.*the weakest choice/)
  expect((await sessionOf(home)).materialised).toHaveLength(1)
  expect((await home.kubeguard(['doctor'])).stdout).toContain('stands here until the lock')
  await home.lock()
  expect(readFileSync(home.kubeconfig, 'utf8')).toBe(guarded)
  expect([await getsPodsWithoutPlugin(home), traces(home)]).toEqual([false, []])
  const { stdout: log } = await home.kubeguard(['log', '--event', 'swept', '--json'])
  expect(JSON.parse(log.trim()) as object).toMatchObject({ details: { users: 1, failed: 0 } })
  expect((await home.kubeguard(['log', '--event', 'absorbed', '--json'])).stdout).toBe('')
})

test('the daemon killed: the keeper takes it out, without any other program', async () => {
  await using home = await guardedHome(rules())
  await home.unlock('default')
  await kill(await daemonOf(home))
  await until('a clean kubeconfig', () => inPlainText(home).length === 0)
})

test('a held session: taken out at the idle lock', async () => {
  await using home = await guardedHome(rules('4s'))
  using person = await personIn(home)
  await home.unlock('default')
  askingJob(home, 'job')
  await enterAsPerson(person, 'kubeguard hold 5m -- ./job', /may run until/)
  expect(inPlainText(home)).toHaveLength(1)
  await reaches(home, 'held')
  await until('a clean kubeconfig', () => inPlainText(home).length === 0)
})

test('forbidden while it is open: taken out at once, and the session stays', async () => {
  await using home = await guardedHome(rules())
  await home.unlock('default')
  writePolicy(home, rules('10m', false))
  await home.kubeguard(['status'])
  await until('a clean kubeconfig', () => inPlainText(home).length === 0)
  expect(await sessionOf(home)).toMatchObject({ state: 'unlocked', materialised: [] })
  expect((await home.kubectl(['get', 'pods'])).code).toBe(0)
})

test('what others write beside it is sealed, itself never; adopt says what it is worth', async () => {
  await using home = await guardedHome(rules())
  await home.unlock('default')
  const [name] = inPlainText(home)
  const set = ['config', 'set-credentials', 'new', '--token', 'token-of-another-tool']
  expect((await home.realKubectl(set)).code).toBe(0)
  await until('the new token sealed', () => !readFileSync(home.kubeconfig, 'utf8').includes('another-tool'))
  expect(inPlainText(home)).toEqual([name])
  const { stdout } = await home.kubeguard(['log', '--event', 'absorbed', '--json'])
  expect(stdout.trim().split('\n')).toHaveLength(1)
  const adopted = await home.kubeguard(['adopt', '--yes'])
  expect(adopted.stdout).toContain(`${name ?? ''} (${home.kubeconfig}): guarded already`)
  await home.lock()
  expect(inPlainText(home)).toEqual([])
})

test('uninstall while it is open: all is back as it was', async () => {
  await using home = await guardedHome(rules())
  await home.unlock('default')
  const run = await home.kubeguard(['uninstall', '--yes', '--passphrase-fd', '3'], {
    fd3: 'correct horse battery staple',
  })
  expect(run).toMatchObject({ code: 0 })
  expect(inPlainText(home)).toHaveLength(2)
  expect(readFileSync(home.kubeconfig, 'utf8')).not.toContain('kubeguard-credential')
})
