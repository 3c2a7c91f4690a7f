import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { RestoredItem, ScribeAnswer } from '../../../src/platform/scribes/job.ts'
import type { Adoption } from '../../../src/usecases/ports.ts'
import {
  adopt,
  adoptJob,
  bundledInFreshHomes,
  home,
  pendingItems,
  program,
  read,
  restore,
  resultOf,
  run,
  runRaw,
  write,
} from './scribe-fixture.ts'

bundledInFreshHomes()

const secret = 'oidc-client-secret-that-must-not-be-seen'

const wrapped = `apiVersion: v1
kind: Config
current-context: dev
clusters:
- {name: c, cluster: {server: "https://127.0.0.1:6443"}}
contexts:
- {name: dev, context: {cluster: c, user: alice}}
users:
- name: alice   # me
  user:
    as: someone
    exec:
      # how I log in
      apiVersion: client.authentication.k8s.io/v1beta1
      command: ./bin/kubelogin
      args: [get-token, "--oidc-issuer-url=https://id", --oidc-client-secret=${secret}]
      env:
      - {name: BROWSER, value: firefox}
      provideClusterInfo: true
      installHint: |
        brew install kubelogin
        or ask
      aFieldOfALaterVersion: 1
`

const execOf = (path: string): Record<string, unknown> => parse(read(path)).users[0].user.exec

test('an exec entry moves into the vault with all that it says; ours asks for what it wants to know', async () => {
  const path = write(join(home.kube, 'config'), wrapped)
  const report = await adopt(program, home, [path])
  expect(report.adopted).toMatchObject([
    {
      user: 'alice',
      kind: 'exec-plugin',
      strength: 'borrowed',
      sources: ['~/.kube/cache/oidc-login'],
      advice: [expect.stringMatching(/^borrowed: kubelogin .* outlives a lock/)],
    },
  ])
  expect(JSON.stringify(report)).not.toContain(secret)
  const [item] = await pendingItems(home)
  expect(item?.token).toBeUndefined()
  expect(item?.exec).toEqual({
    apiVersion: 'v1beta1',
    command: join(home.kube, 'bin/kubelogin'),
    args: ['get-token', '--oidc-issuer-url=https://id', `--oidc-client-secret=${secret}`],
    env: [{ name: 'BROWSER', value: 'firefox' }],
    interactiveMode: 'IfAvailable',
    provideClusterInfo: true,
    installHint: 'brew install kubelogin\nor ask\n',
  })
  expect(execOf(path)).toMatchObject({
    apiVersion: 'client.authentication.k8s.io/v1',
    command: '/opt/kubeguard/bin/kubeguard-credential',
    interactiveMode: 'IfAvailable',
    provideClusterInfo: true,
  })
  expect(read(path)).not.toContain(secret)
  expect(read(path)).toContain('as: someone')
})

test('materialize is told of what it puts into the file: a token, and nothing of an exec plugin', async () => {
  const policies = home.policies.map((policy) => ({ ...policy, materialize: true }))
  const bob = '- {name: bob, user: {token: bob-token}}\n'
  const context = '- {name: bob, context: {cluster: c, user: bob}}\n'
  const text = `${wrapped.replace('users:\n', `${context}users:\n`)}${bob}`
  const path = write(join(home.kube, 'config'), text)
  const { adopted } = await adopt(program, home, [path], { policies, dryRun: true })
  const told = adopted.map(({ user, advice }) => [
    user,
    advice.some((line) => line.includes('materialize: true')),
  ])
  expect(told).toEqual([
    ['alice', false],
    ['bob', true],
  ])
})

test('a dry run shows it without its arguments, and changes nothing', async () => {
  const path = write(join(home.kube, 'config'), wrapped)
  const report = await adopt(program, home, [path], { dryRun: true })
  expect(report.adopted).toMatchObject([{ kind: 'exec-plugin', strength: 'borrowed' }])
  expect(report.diff).toMatch(/^\+.*kubeguard-credential/m)
  expect(JSON.stringify(report)).not.toContain(secret)
  expect(read(path)).toBe(wrapped)
})

test('eject brings back an entry of the same meaning, fields of later versions too', async () => {
  const path = write(join(home.kube, 'config'), wrapped)
  await adopt(program, home, [path])
  const results = await restore(program, home, await pendingItems(home))
  expect(results).toMatchObject([{ ok: true }])
  expect(parse(read(path))).toEqual(parse(wrapped))
})

test('in a file elsewhere a relative command is named in full', async () => {
  const path = write(join(home.kube, 'config'), wrapped)
  await adopt(program, home, [path])
  const config = parse(read(path))
  write(path, stringify({ ...config, users: [] }))
  const to = join(home.kube, 'rescued')
  const items = await pendingItems(home)
  const answer = await run<RestoredItem[]>(program, home, { job: 'restore', items, to })
  expect(resultOf(answer)).toMatchObject([{ ok: true, file: to }])
  expect(execOf(to)['command']).toBe(join(home.kube, 'bin/kubelogin'))
})

test.each([
  ['v1 without an interactiveMode', { command: 'aws' }, /no interactiveMode/],
  [
    'an apiVersion that kubectl knows no more',
    { apiVersion: 'client.authentication.k8s.io/v1alpha1', command: 'aws' },
    /apiVersion/,
  ],
  ['no command', { interactiveMode: 'Never' }, /names no command/],
  ['arguments that are no texts', { command: 'aws', args: [1], interactiveMode: 'Never' }, /args is damaged/],
  ['an interactiveMode that is none', { command: 'aws', interactiveMode: 'Maybe' }, /interactiveMode is not/],
  [
    'ours, without a credential',
    { command: '/x/kubeguard-credential', interactiveMode: 'Never' },
    /kubeguard’s own, but damaged/,
  ],
])('what kubectl would not run is left, and said why: %s', async (_what, changes, advice) => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', ...changes }
  const text = stringify({ users: [{ name: 'alice', user: { exec } }] })
  const path = write(join(home.kube, 'config'), text)
  const report = await adopt(program, home, [path])
  expect(report.adopted).toEqual([])
  expect(report.left).toMatchObject([{ because: 'exec', advice: [expect.stringMatching(advice)] }])
  expect(read(path)).toBe(text)
})

test('a user of several policies: each has the plugin behind a credential of its own, and eject joins them', async () => {
  const several = wrapped.replace(
    '- {name: dev, context: {cluster: c, user: alice}}\n',
    '- {name: dev, context: {cluster: c, user: alice}}\n- {name: prod-1, context: {cluster: c, user: alice}}\n',
  )
  const path = write(join(home.kube, 'config'), several)
  const report = await adopt(program, home, [path])
  expect(report.adopted.map(({ policy, kind }) => [policy, kind])).toEqual([
    ['default', 'exec-plugin'],
    ['prod', 'exec-plugin'],
  ])
  expect(parse(read(path)).users).toHaveLength(2)
  await restore(program, home, await pendingItems(home))
  expect(parse(read(path))).toEqual(parse(several))
})

test('what replaces a wrapped entry is wrapped in its place', async () => {
  const path = write(join(home.kube, 'config'), wrapped)
  await adopt(program, home, [path])
  const before = await pendingItems(home)
  write(path, wrapped.replace('--oidc-client-secret=', '--oidc-extra-scope=groups, --oidc-client-secret='))
  const report = await adopt(program, home, [path])
  expect(report.adopted).toMatchObject([{ kind: 'exec-plugin', credential: before[0]?.id }])
  const items = await pendingItems(home)
  expect(items.at(-1)?.exec?.args).toContain('--oidc-extra-scope=groups')
  expect(execOf(path)['command']).toBe('/opt/kubeguard/bin/kubeguard-credential')
})

test.each([
  ['DenyAll', '', 'left'],
  ['Allowlist', '- name: /opt/kubeguard/bin/kubeguard-credential\n', 'left'],
  ['Allowlist', '- name: ./bin/kubelogin\n', 'adopted'],
  ['AllowAll', '', 'adopted'],
] as const)('what kuberc forbids kubectl is not run behind ours: %s %s', async (policy, list, where) => {
  const path = write(join(home.kube, 'config'), wrapped)
  const kuberc = `credentialPluginPolicy: ${policy}\ncredentialPluginAllowlist:\n${list}`
  write(join(home.root, '.kube', 'kuberc'), kuberc)
  const ran = await runRaw(program, home, adoptJob(home, [path]), [], { HOME: home.root })
  const { report } = resultOf(JSON.parse(ran.stdout) as ScribeAnswer<Adoption>)
  expect(report[where].map(({ user }) => user)).toEqual(['alice'])
})
