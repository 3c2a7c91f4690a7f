import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { AdoptReport } from '../../../src/protocol/reports.ts'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { filesWith, secretsOf, viewOf } from './secrets.ts'

interface User {
  readonly name: string
  readonly user: Record<string, unknown>
}
interface Config {
  readonly users: User[]
  readonly contexts: { name: string; context: { cluster: string; user: string } }[]
  readonly clusters: unknown[]
}

const parsed = (file: string): Config => parse(readFileSync(file, 'utf8')) as Config
const userOf = (file: string, name: string): Record<string, unknown> | undefined =>
  parsed(file).users.find((user) => user.name === name)?.user
const tokenOf = (file: string): string => String(userOf(file, 'playground')?.['token'])

/** Writes a kubeconfig for the playground with other users and contexts. */
function writeKubeconfig(
  home: TestHome,
  file: string,
  users: User[],
  contexts: Record<string, string>,
): void {
  const base = parsed(home.kubeconfig)
  const config = {
    ...base,
    users,
    'contexts': Object.entries(contexts).map(([name, user]) => ({
      name,
      context: { cluster: 'playground', user },
    })),
    'current-context': Object.keys(contexts)[0],
  }
  writeFileSync(file, `# my own notes\n${stringify(config)}`, { mode: 0o600 })
}

const adopt = (home: TestHome, ...args: string[]) => home.kubeguard(['adopt', ...args])
const eject = (home: TestHome, ...args: string[]) =>
  home.kubeguard(['eject', '--yes', '--passphrase-fd', '3', ...args], { fd3: passphrase })

async function adoptedBy(home: TestHome, ...args: string[]): Promise<AdoptReport> {
  return JSON.parse(good(await adopt(home, '--json', ...args)).stdout) as AdoptReport
}

test('adopt and eject: a dry run changes nothing, one user, two files, a link, and what can’t be guarded', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  const token = tokenOf(home.kubeconfig)
  const real = join(home.home, 'dotfiles-config')
  const second = join(home.home, 'second.yaml')
  const execUser = {
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'aws', args: ['get-token'] },
  }
  writeKubeconfig(
    home,
    second,
    [
      { name: 'robot', user: { token } },
      { name: 'old', user: { username: 'root', password: 'a password in clear' } },
      { name: 'cloud', user: execUser },
      { name: 'empty', user: {} },
    ],
    { 'robot': 'robot', 'prod-old': 'old', 'cloud': 'cloud', 'empty': 'empty' },
  )
  renameSync(home.kubeconfig, real)
  symlinkSync(real, home.kubeconfig)
  // No kubeconfig is adopted yet: init only makes the vaults.
  good(
    await home.kubeguard(['init', '--yes', '--passphrase-fd', '3', '--kubeconfig', '/nonexistent'], {
      fd3: passphrase,
    }),
  )
  home.env['KUBECONFIG'] = `${home.kubeconfig}:${second}`
  const before = { first: await viewOf(home, home.kubeconfig), second: await viewOf(home, second) }
  const secrets = secretsOf(home.kubeconfig)
  const text = readFileSync(second, 'utf8')

  const dryRun = good(await adopt(home, '--dry-run'))
  for (const secret of secrets) expect(dryRun.stdout).not.toContain(secret)
  expect(dryRun.stdout).not.toContain('a password in clear')
  expect(dryRun.stdout).toMatch(/^-.*token:/m)
  expect(dryRun.stdout).toMatch(/^\+.*exec:/m)
  expect(readFileSync(second, 'utf8')).toBe(text)
  expect(await viewOf(home, home.kubeconfig)).toEqual(before.first)
  expect(await adopt(home)).toMatchObject({ code: 64 })

  const one = await adoptedBy(home, '--user', 'robot', '--yes')
  expect(one.adopted.map(({ user }) => user)).toEqual(['robot'])
  expect(userOf(second, 'robot')).not.toHaveProperty('token')
  expect(await viewOf(home, home.kubeconfig)).toEqual(before.first)

  const all = await adoptedBy(home, '--yes')
  expect(all.adopted.map(({ user, kind, strength, policy }) => ({ user, kind, strength, policy }))).toEqual([
    { user: 'playground', kind: 'token', strength: 'local', policy: 'default' },
    { user: 'prod-playground', kind: 'client-certificate', strength: 'local', policy: 'prod' },
  ])
  expect(Object.fromEntries(all.left.map(({ user, because }) => [user, because]))).toEqual({
    robot: 'already',
    old: 'basic',
    cloud: 'exec',
    empty: 'none',
  })
  const said = good(await adopt(home, '--yes')).stdout
  expect(said).toMatch(/old .*unguarded: basic auth/)
  expect(said).toMatch(/cloud .*unguarded: has an exec plugin that can’t be wrapped/)
  expect(readlinkSync(home.kubeconfig)).toBe(real)
  expect(filesWith(home.root, secrets)).toEqual([])
  expect(lstatSync(real).mode & 0o777).toBe(0o600)
  expect(readFileSync(second, 'utf8')).toMatch(/^# my own notes\n/)
  expect(userOf(second, 'old')).toEqual({ username: 'root', password: 'a password in clear' })
  expect(userOf(second, 'cloud')).toEqual(execUser)

  await home.unlock('default')
  for (const context of ['playground', 'robot'])
    expect(await home.kubectl(['get', 'pods', '--context', context])).toMatchObject({ code: 0 })
  const listed = good(await home.kubeguard(['eject', '--dry-run'])).stdout
  expect(listed.trim().split('\n')).toHaveLength(3)
  good(await eject(home, '--user', 'playground'))
  expect(userOf(real, 'playground')).toEqual({ token })
  expect(userOf(second, 'robot')).toHaveProperty('exec')
  good(await eject(home))
  expect(await viewOf(home, home.kubeconfig)).toEqual(before.first)
  expect(await viewOf(home, second)).toEqual(before.second)
  expect(readlinkSync(home.kubeconfig)).toBe(real)
})

test('a user of contexts of two policies is split, and put back as one; a new credential works at once', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  const token = tokenOf(home.kubeconfig)
  const shared = join(home.home, 'shared.yaml')
  writeKubeconfig(home, shared, [{ name: 'me', user: { token } }], { 'prod-eu': 'me', 'staging': 'me' })
  const before = await viewOf(home, shared)
  await home.init()
  home.env['KUBECONFIG'] = shared
  await home.unlock('prod')

  const report = await adoptedBy(home, '--yes')
  expect(report.adopted.map(({ policy }) => policy).sort()).toEqual(['default', 'prod'])
  const users = parsed(shared).contexts.map(({ context }) => context.user)
  expect(new Set(users).size).toBe(2)
  // Sealed while the session was open: nobody has to unlock again.
  expect(await home.kubectl(['get', 'pods', '--context', 'prod-eu'])).toMatchObject({ code: 0, stderr: '' })
  expect(await home.realKubectl(['get', 'pods', '--context', 'prod-eu'])).toMatchObject({ code: 0 })
  expect(await home.kubectl(['get', 'pods', '--context', 'staging'])).toMatchObject({ code: 77 })

  const late = join(home.home, 'late.yaml')
  writeKubeconfig(home, late, [{ name: 'late', user: { token } }], { late: 'late' })
  good(await adopt(home, '--yes', '--kubeconfig', late))
  const unlocked = await home.unlock('default')
  expect(unlocked.stderr).toMatch(/sealed while locked, now in the vault: late/)
  expect(await home.kubectl(['get', 'pods', '--kubeconfig', late])).toMatchObject({ code: 0 })

  good(await eject(home))
  expect(await viewOf(home, shared)).toEqual(before)
  expect(await home.realKubectl(['get', 'pods'])).toMatchObject({ code: 0 })
})

test('adopt: a file that can’t be used changes nothing, and names reach a terminal clean', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  const token = tokenOf(home.kubeconfig)
  await home.init()
  const broken = join(home.home, 'broken.yaml')
  writeFileSync(broken, `users:\n- name: x\n  user: {token: ${token}\n`)
  const refused = await adopt(home, '--yes', '--kubeconfig', broken)
  expect(refused).toMatchObject({ code: 78, stdout: '' })
  expect(refused.stderr).toMatch(/broken\.yaml/)
  expect(refused.stderr).not.toContain(token)
  expect(await adopt(home, '--yes', '--kubeconfig', join(home.home, 'none.yaml'))).toMatchObject({ code: 78 })
  // A policy without a vault yet: nothing could be sealed, so nothing is taken.
  const config = join(home.guardHome, 'config', 'config.yaml')
  writeFileSync(config, readFileSync(config, 'utf8').replace('name: default', 'name: rest'))
  mkdirSync(join(home.home, 'odd'))
  const odd = join(home.home, 'odd', 'config')
  writeKubeconfig(home, odd, [{ name: 'x\u001b[31m', user: { token } }], { odd: 'x\u001b[31m' })
  const before = readFileSync(odd)
  await until('the new rules', async () => /^rest /m.test((await home.kubeguard(['policy', 'show'])).stdout))
  const early = await adopt(home, '--yes', '--kubeconfig', odd)
  expect(early).toMatchObject({ code: 78 })
  expect(early.stderr).toBe('kubeguard: no vault yet for rest: nothing was changed\nrun: kubeguard init\n')
  expect(readFileSync(odd)).toEqual(before)
  good(await home.kubeguard(['init', '--yes', '--passphrase-fd', '3'], { fd3: passphrase }))
  const adopted = await adopt(home, '--yes', '--kubeconfig', odd)
  expect(adopted).toMatchObject({ code: 0 })
  expect(adopted.stdout + adopted.stderr).not.toContain('\u001b')
})
