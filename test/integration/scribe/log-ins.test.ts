import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { AdoptJob } from '../../../src/platform/scribes/job.ts'
import type { PolicySet } from '../../../src/domain/policy.ts'
import type { AbsorbReport, AdoptReport, EjectReport } from '../../../src/protocol/reports.ts'
import type { Adoption } from '../../../src/usecases/ports.ts'
import type { ScribeAnswer, ScribeJob } from '../../../src/platform/scribes/job.ts'
import {
  adoptJob,
  bundledInFreshHomes,
  home,
  program,
  read,
  resultOf,
  runRaw,
  write,
} from './scribe-fixture.ts'

bundledInFreshHomes()

const secret = 'oidc-client-secret-that-must-not-be-seen'
const refreshToken = 'a-refresh-token-that-must-not-be-kept'
const issuer = 'https://id.example.com'
const client = { issuer, clientId: 'kubernetes' }

const text = `apiVersion: v1
kind: Config
current-context: dev
clusters:
- {name: c, cluster: {server: "https://127.0.0.1:6443"}}
contexts:
- {name: dev, context: {cluster: c, user: alice}}
- {name: prod-1, context: {cluster: c, user: alice}}
- {name: old, context: {cluster: c, user: bob}}
users:
- name: alice   # me
  user:
    as: someone
    exec:
      # how I log in
      apiVersion: client.authentication.k8s.io/v1
      command: kubectl
      args: [oidc-login, get-token, "--oidc-issuer-url=${issuer}", --oidc-client-id=kubernetes, --oidc-client-secret=${secret}]
      interactiveMode: IfAvailable
- name: bob
  user:
    auth-provider:
      name: oidc
      config:
        idp-issuer-url: ${issuer}
        client-id: kubernetes
        refresh-token: ${refreshToken}
`

/** Policies as `adopt` writes them: each logs in by itself. */
function logInPolicies(clientSecretFile?: string): PolicySet {
  const oidc = { factor: 'oidc', ...client, ...(clientSecretFile !== undefined && { clientSecretFile }) }
  return home.policies.map((policy) => ({ ...policy, unlock: [oidc] }))
}

const secretFile = (): string =>
  join(home.environment.KUBEGUARD_HOME, 'state', 'providers', 'oidc', 'client-secret')

async function run<Result>(job: ScribeJob): Promise<Result> {
  const { stdout, stderr } = await runRaw(program, home, job, [], { HOME: home.root })
  expect(stderr).toBe('')
  expect(stdout).not.toContain(secret)
  return resultOf(JSON.parse(stdout) as ScribeAnswer<Result>)
}

async function adoptAs(policies: PolicySet, more: Partial<AdoptJob> = {}): Promise<AdoptReport> {
  const paths = [join(home.kube, 'config')]
  return (await run<Adoption>(adoptJob(home, paths, { policies, ...more }))).report
}

const giveBack = (more: { users?: string[]; dryRun?: boolean; to?: string } = {}): Promise<EjectReport> =>
  run<EjectReport>({ job: 'give-back', paths: [], users: [], dryRun: false, ...more })

const execOf = (path: string, name: string): Record<string, unknown> => {
  const { users } = parse(read(path)) as {
    users: { name: string; user: { exec: Record<string, unknown> } }[]
  }
  return users.find((user) => user.name === name)?.user.exec ?? {}
}

test('what a plugin logs in by is told under a policy that has a vault, without its secret', async () => {
  write(join(home.kube, 'config'), text)
  const { logIns, diff } = await adoptAs(home.policies, { dryRun: true })
  expect(logIns).toMatchObject([
    {
      user: 'alice',
      program: 'kubelogin',
      factor: 'oidc',
      settings: client,
      hasSecret: true,
      contexts: [
        { name: 'dev', policy: 'default' },
        { name: 'prod-1', policy: 'prod' },
      ],
      obstacles: [],
    },
    { user: 'bob', program: 'kubectl’s auth provider', hasSecret: false },
  ])
  expect(diff).not.toContain(secret)
})

test('a policy that logs in by itself takes a plugin’s place, split by policy, and gives it back as it was', async () => {
  const path = write(join(home.kube, 'config'), text)
  const cache = join(home.root, '.kube', 'cache', 'oidc-login')
  write(join(cache, 'some-hash'), '{"refresh_token":"x"}')
  const report = await adoptAs(logInPolicies(secretFile()), { users: ['alice'] })
  expect(report.adopted).toMatchObject([
    { user: 'alice', kind: 'log-in', policy: 'default', credential: 'default.given', strength: 'cluster' },
    { user: 'alice-kubeguard-prod', kind: 'log-in', policy: 'prod', credential: 'prod.given' },
  ])
  expect(report.wiped).toEqual([join(cache, 'some-hash')])
  expect(readdirSync(cache)).toEqual([])
  expect(read(path)).not.toContain(secret)
  expect(execOf(path, 'alice')['args']).toEqual(['--policy', 'default', '--credential', 'default.given'])
  expect(read(secretFile())).toBe(`${secret}\n`)
  expect(statSync(secretFile()).mode & 0o777).toBe(0o600)
  expect((await giveBack({ dryRun: true })).ejected).toHaveLength(2)
  const back = await giveBack()
  expect(back).toMatchObject({ failed: [], ejected: [{ user: 'alice' }, { user: 'alice-kubeguard-prod' }] })
  expect(parse(read(path))).toEqual(parse(text))
  expect(await giveBack()).toEqual({ ejected: [], failed: [] })
})

test('one that is written later, locked or not, goes to the policy that logs in there', async () => {
  const path = write(join(home.kube, 'config'), text)
  const { plugin, policies } = adoptJob(home, [], { policies: logInPolicies(secretFile()) })
  const report = await run<AbsorbReport>({ job: 'absorb', paths: [path], policies, plugin, leftOut: [] })
  expect(report.absorbed).toMatchObject([
    { user: 'alice', kind: 'log-in', policy: 'default' },
    { user: 'alice-kubeguard-prod', kind: 'log-in', policy: 'prod' },
  ])
  expect(read(path)).not.toContain(secret)
  expect((await giveBack()).failed).toEqual([])
  expect(parse(read(path))).toEqual(parse(text))
})

test('of kubectl’s own auth provider no token is kept anywhere', async () => {
  const path = write(join(home.kube, 'config'), text)
  const report = await adoptAs(logInPolicies(), { users: ['bob'] })
  expect(report.adopted).toMatchObject([{ user: 'bob', kind: 'log-in' }])
  expect(read(path)).not.toContain(refreshToken)
  expect(read(join(home.environment.KUBEGUARD_HOME, 'state', 'replaced-log-ins.json'))).not.toContain(
    refreshToken,
  )
  await giveBack()
  const { users } = parse(read(path)) as { users: { name: string; user: unknown }[] }
  expect(users[1]?.user).toEqual({
    'auth-provider': { name: 'oidc', config: { 'idp-issuer-url': issuer, 'client-id': 'kubernetes' } },
  })
})

test('what stands already where a secret would go is not written over, and nothing else changes either', async () => {
  const path = write(join(home.kube, 'config'), text)
  write(secretFile(), 'a-key-of-mine')
  const job = adoptJob(home, [path], { policies: logInPolicies(secretFile()), users: ['alice'] })
  const { stdout } = await runRaw(program, home, job, [], { HOME: home.root })
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, code: 'policy-invalid' })
  expect(read(secretFile())).toBe('a-key-of-mine')
  expect(read(path)).toBe(text)
})

test('a client with a secret stays as it is where the policy names no file for it', async () => {
  const path = write(join(home.kube, 'config'), text)
  const report = await adoptAs(logInPolicies(), { users: ['alice'] })
  expect(report.adopted).toEqual([])
  expect(report.left).toMatchObject([
    { user: 'alice', because: 'given', advice: [expect.stringContaining('oidc.clientSecretFile')] },
  ])
  expect(read(path)).toBe(text)
})

test('a user with a key beside its plugin stays as it is: a key is kept in vaults alone', async () => {
  const keyed = text.replace('    as: someone\n', '    client-certificate: c.pem\n    client-key: k.pem\n')
  write(join(home.kube, 'c.pem'), 'c')
  write(join(home.kube, 'k.pem'), 'k')
  const path = write(join(home.kube, 'config'), keyed)
  const report = await adoptAs(logInPolicies(secretFile()), { users: ['alice'] })
  expect(report.left).toMatchObject([{ user: 'alice', because: 'given' }])
  expect(read(path)).toBe(keyed)
  expect(existsSync(secretFile())).toBe(false)
})

test('a user that is gone from its file is kept until it has a new one', async () => {
  const path = write(join(home.kube, 'config'), text)
  await adoptAs(logInPolicies(), { users: ['bob'] })
  write(path, text.slice(0, text.indexOf('- name: bob')))
  expect((await giveBack()).failed).toMatchObject([
    { user: 'bob', cure: expect.stringContaining('--to FILE') },
  ])
  mkdirSync(join(home.root, 'rescued'))
  const to = join(home.root, 'rescued', 'config')
  expect((await giveBack({ to })).ejected).toMatchObject([{ user: 'bob', file: to }])
  expect(read(to)).toContain(issuer)
})
