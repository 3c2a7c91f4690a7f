import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { guardedHome, sessionOf } from '../../fixtures/held-home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'

const rules = (more = '') => ({ idle: '10m', more })
const secret = 'token-of-another-tool'

const isSealed = (file: string): Promise<true> =>
  until(`${file} without the token`, () => !readFileSync(file, 'utf8').includes(secret))

const setToken = (home: TestHome, user: string, ...more: string[]) =>
  home.realKubectl(['config', 'set-credentials', user, `--token=${secret}`, ...more])

async function journalled(home: TestHome, event: string): Promise<Record<string, unknown>[]> {
  const { stdout } = await home.kubeguard(['log', '--event', event, '--json'])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { details: Record<string, unknown> }).details)
}

test('written while locked: sealed, listed by status, and by the next unlock before first use', async () => {
  await using home = await guardedHome(rules())
  await setToken(home, 'new')
  await isSealed(home.kubeconfig)
  const pending = (await sessionOf(home, 'prod')).pending
  expect(pending).toContainEqual(expect.objectContaining({ user: 'new', file: home.kubeconfig }))
  expect(await journalled(home, 'absorbed')).toMatchObject([{ user: 'new' }])
  const { stderr } = await home.unlock('prod')
  expect(stderr).toMatch(/sealed while locked, now in the vault: new \(/)
  expect((await sessionOf(home, 'prod')).pending).toEqual([])
})

test('written while unlocked: what is served from then on is the new one', async () => {
  await using home = await guardedHome(rules())
  await home.unlock('default')
  expect((await home.realKubectl(['get', 'pods'])).code).toBe(0)
  const user = (await home.realKubectl(['config', 'view', '-o', 'jsonpath={.contexts[0].context.user}']))
    .stdout
  await setToken(home, user)
  await isSealed(home.kubeconfig)
  const { code, stderr } = await home.realKubectl(['get', 'pods'])
  expect([code, stderr]).toEqual([1, expect.stringMatching(/Unauthorized|logged in/)])
})

test('a file that is replaced, and a KUBECONFIG that names another beside it', async () => {
  await using home = await guardedHome(rules())
  const other = join(home.home, 'other')
  const list = { env: { KUBECONFIG: `${home.kubeconfig}:${other}` } }
  copyFileSync(home.kubeconfig, `${home.kubeconfig}.new`)
  writeFileSync(
    `${home.kubeconfig}.new`,
    readFileSync(home.kubeconfig, 'utf8').replace(
      'users:\n',
      `users:\n  - name: replaced\n    user:\n      token: ${secret}\n`,
    ),
  )
  renameSync(`${home.kubeconfig}.new`, home.kubeconfig)
  await isSealed(home.kubeconfig)
  await home.kubectl(['config', 'get-contexts'], list)
  await setToken(home, 'elsewhere', `--kubeconfig=${other}`)
  await isSealed(other)
  expect((await journalled(home, 'absorbed')).map(({ user }) => user).toSorted()).toEqual([
    'elsewhere',
    'replaced',
  ])
})

test('an exec entry in the place of ours is wrapped: ours is there again, and the plugin is named', async () => {
  await using home = await guardedHome(rules())
  const user = (await home.realKubectl(['config', 'view', '-o', 'jsonpath={.contexts[0].context.user}']))
    .stdout
  const flags = ['--exec-command=/bin/theirs', '--exec-api-version=client.authentication.k8s.io/v1']
  await home.realKubectl(['config', 'set-credentials', user, ...flags])
  await until('our entry', () => !readFileSync(home.kubeconfig, 'utf8').includes('/bin/theirs'))
  expect(readFileSync(home.kubeconfig, 'utf8')).toContain('kubeguard-credential')
  await until('the journal', async () => (await journalled(home, 'absorbed')).length > 0)
  expect(await journalled(home, 'absorbed')).toMatchObject([{ user }])
  expect((await home.kubeguard(['status'])).stdout).toContain('theirs')
})

test('absorb: off leaves it alone', async () => {
  await using home = await guardedHome(rules('    absorb: off\n'))
  await setToken(home, 'new')
  await setToken(home, 'newer')
  await home.unlock()
  expect(readFileSync(home.kubeconfig, 'utf8')).toContain(secret)
  expect(await journalled(home, 'absorbed')).toEqual([])
})
