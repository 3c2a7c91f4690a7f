import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runScribe } from '../../../src/platform/scribes/run-scribe.ts'
import { bundleScribe } from '../scribe/scribe-fixture.ts'
import { AuditHome, hoursFromNow, jwt, kubeconfigText } from './audit-home.ts'

const program = bundleScribe()
const secret = { alice: { token: 'abcdefghijklmnop' } }
const harmless = {
  alice: { exec: { command: '/x/kubeguard-credential', args: ['--policy', 'p', '--credential', 'p.a'] } },
}

test.each([
  [0o600, []],
  [0o640, ['readable-by-others']],
  [0o604, ['readable-by-others']],
  [0o622, ['writable-by-others']],
  [0o666, ['readable-by-others', 'writable-by-others']],
])('mode %i of a kubeconfig with a credential', async (mode, rules) => {
  using home = new AuditHome()
  chmodSync(home.kubeconfig(secret), mode)
  const { findings } = await home.audit(program)
  expect(
    findings
      .map(({ rule }) => rule)
      .filter((rule) => rule.endsWith('-by-others'))
      .toSorted(),
  ).toEqual(rules)
})

test('a kubeconfig without a credential that others can read is a small matter', async () => {
  using home = new AuditHome()
  chmodSync(home.kubeconfig(harmless), 0o644)
  expect(await home.found(program, 'readable-kubeconfig')).toMatchObject([
    { severity: 'low', file: home.config },
  ])
})

test('in a git work tree, tracked or not', async () => {
  using home = new AuditHome()
  const work = join(home.home, 'work')
  const tracked = home.kubeconfig(secret, {}, 'work/deploy/kubeconfig')
  const loose = home.kubeconfig(secret, {}, 'work/loose.yaml')
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: work, env: { HOME: home.home, PATH: process.env['PATH'] } })
  git('init', '-q')
  git('add', 'deploy/kubeconfig')
  const linked = join(home.home, 'linked')
  symlinkSync(tracked, linked)
  const { findings } = await home.audit(program, { paths: [linked, loose] })
  expect(findings.filter(({ rule }) => rule.includes('git'))).toMatchObject([
    { rule: 'tracked-by-git', severity: 'high', file: linked, message: `git tracks it in ${work}` },
    { rule: 'in-git-work-tree', severity: 'medium', file: loose },
  ])
})

test('backups and leftovers of editors beside a kubeconfig, where they hold a credential', async () => {
  using home = new AuditHome()
  home.kubeconfig(harmless)
  const text = kubeconfigText(secret)
  const leftovers = [
    'config.bak',
    'config~',
    'config.old',
    'config-2024-01-31',
    'config.save.1',
    '#config#',
    'config_backup',
  ]
  for (const name of leftovers) home.write(`.kube/${name}`, text)
  home.write('.kube/.config.swp', `b0VIM 9.1\0\0\0${'\0'.repeat(4000)}${text}`)
  home.write('.kube/config.orig', kubeconfigText(harmless))
  home.write('.kube/configs-of-mine', 'nothing\n')
  const found = await home.found(program, 'leftover-copy')
  expect(found.map(({ file }) => file).toSorted()).toEqual(
    [...leftovers, '.config.swp'].map((name) => join(home.home, '.kube', name)).toSorted(),
  )
  const backup = found.find(({ file }) => file.endsWith('config.bak'))
  expect(text.split('\n')[(backup?.line ?? 0) - 1]).toContain('token: abcdefghijklmnop')
  expect(found.find(({ file }) => file.endsWith('.swp'))).not.toHaveProperty('line')
})

test('stray kubeconfigs below ~/.kube and those that start-up files name', async () => {
  using home = new AuditHome()
  home.kubeconfig(harmless)
  const stray = home.kubeconfig(secret, {}, '.kube/clusters/old-cluster.yaml')
  home.kubeconfig(harmless, {}, '.kube/harmless')
  home.write('.kube/cache/discovery/host/servergroups.json', '{"users": 1}')
  home.write('.kube/notes.txt', 'token: remember the milk\n')
  const named = home.kubeconfig(secret, {}, 'k3s.yaml')
  home.kubeconfig(secret, {}, 'fish.yaml')
  const rc = home.write('.bashrc', '# mine\nexport KUBECONFIG="$HOME/.kube/config:$HOME/k3s.yaml" # both\n')
  const fish = home.write('.config/fish/config.fish', 'set -gx KUBECONFIG ~/fish.yaml\n')
  const { findings } = await home.audit(program)
  const of = (rule: string) => findings.filter((finding) => finding.rule === rule)
  expect(of('stray-kubeconfig')).toMatchObject([{ file: stray }])
  expect(of('kubeconfig-in-start-up-file')).toMatchObject([
    { file: rc, line: 2, message: expect.stringContaining(named) as string },
    { file: fish, line: 1 },
  ])
  expect(
    of('unending-token')
      .map(({ file }) => file)
      .toSorted(),
  ).toEqual([stray, join(home.home, 'fish.yaml'), named].toSorted())
})

test('caches of other tools: refresh tokens, credentials that are still good, keys', async () => {
  using home = new AuditHome()
  const json = (path: string, value: object) => home.write(path, JSON.stringify(value, undefined, 2))
  const soon = new Date(Date.now() + 3_600_000).toISOString()
  const past = '2020-01-01T00:00:00Z'
  const hush = 'hush-hush'
  const expected = [
    [
      'cached-refresh-token',
      json('.kube/cache/oidc-login/4f2a', { id_token: jwt({ exp: hoursFromNow(-1) }), refresh_token: hush }),
    ],
    ['cached-credential', json('.kube/cache/oidc-login/77aa', { id_token: jwt({ exp: hoursFromNow(1) }) })],
    [
      'cached-credential',
      json('.kube/gke_gcloud_auth_plugin_cache', {
        current_context: 'c',
        access_token: hush,
        token_expiry: soon,
      }),
    ],
    [
      'cached-refresh-token',
      json('.aws/sso/cache/aa.json', { accessToken: hush, expiresAt: past, refreshToken: hush }),
    ],
    [
      'cached-credential',
      json('.aws/cli/cache/bb.json', {
        Credentials: { SecretAccessKey: hush, SessionToken: hush, Expiration: soon },
      }),
    ],
    [
      'cached-key',
      home.write(
        '.aws/credentials',
        `[default]\naws_access_key_id = AKIA\naws_secret_access_key = ${hush}\n`,
      ),
    ],
    [
      'cached-credential',
      json('.kube/cache/kubelogin/cc.json', { access_token: hush, expires_on: String(hoursFromNow(1)) }),
    ],
    [
      'cached-refresh-token',
      json('.azure/msal_token_cache.json', { AccessToken: {}, RefreshToken: { 'a-b': { secret: hush } } }),
    ],
    [
      'cached-refresh-token',
      json('.config/gcloud/application_default_credentials.json', { client_id: 'x', refresh_token: hush }),
    ],
    [
      'cached-key',
      home.write(
        '.tsh/keys/proxy.example/alice',
        '-----BEGIN RSA PRIVATE KEY-----\nhush-hush\n-----END RSA PRIVATE KEY-----\n',
      ),
    ],
  ]
  json('.kube/cache/oidc-login/dead', { id_token: jwt({ exp: hoursFromNow(-1) }) })
  json('.aws/cli/cache/dead.json', { Credentials: { SecretAccessKey: hush, Expiration: past } })
  const report = await home.audit(program)
  const found = report.findings.filter(({ rule }) => rule.startsWith('cached-'))
  expect(found.map(({ rule, file }) => [rule, file]).toSorted()).toEqual(expected.toSorted())
  expect(JSON.stringify(report)).not.toContain(hush)
  expect(found.find(({ file }) => file.endsWith('credentials'))?.line).toBe(3)
  expect(found.find(({ file }) => file.endsWith('4f2a'))).toMatchObject({ line: 3, severity: 'high' })
})

test('kuberc: which plugins kubectl runs, and whether it checks certificates', async () => {
  using home = new AuditHome()
  home.kubeconfig(harmless)
  const kuberc = (text: string) =>
    home.write('.kube/kuberc', `apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n${text}`)
  const rules = async () =>
    (await home.audit(program)).findings
      .map(({ rule, line }) => [rule, line])
      .filter(([rule]) => /plugin-policy|kuberc|unreadable/.test(String(rule)))
  expect(await rules()).toEqual([['plugin-policy-open', undefined]])
  kuberc('credentialPluginPolicy: AllowAll\n')
  expect(await rules()).toEqual([['plugin-policy-open', 3]])
  kuberc(
    'credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: /x/kubeguard-credential\n',
  )
  expect(await rules()).toEqual([])
  kuberc(
    'credentialPluginPolicy: DenyAll\ndefaults:\n- command: get\n  options:\n  - name: insecure-skip-tls-verify\n    default: "true"\n',
  )
  expect(await rules()).toEqual([['kuberc-skips-tls', 7]])
  kuberc(
    'credentialPluginPolicy: DenyAll\naliases:\n- name: g\n  command: get\n  appendArgs: [--insecure-skip-tls-verify]\n',
  )
  expect(await rules()).toEqual([['kuberc-skips-tls', 7]])
  home.write('.kube/kuberc', 'a: [')
  expect(await rules()).toEqual([['unreadable-file', undefined]])
})

test('what was named is looked at alone: nothing of the home', async () => {
  using home = new AuditHome()
  home.kubeconfig(secret)
  home.write('.aws/credentials', 'aws_secret_access_key = x\n')
  const path = home.kubeconfig(secret, {}, 'ci.yaml')
  const report = await runScribe({ job: 'audit', paths: [path], searchPath: '' }, { program })
  expect(report.findings.map(({ file }) => file)).toEqual([path])
})

test('worst first', async () => {
  using home = new AuditHome()
  home.kubeconfig({
    a: { token: jwt({ exp: hoursFromNow(1) }) },
    b: { token: 'abcdefghijkl', exec: { command: 'x' } },
  })
  const { findings } = await home.audit(program)
  const ranks = findings.map(({ severity }) => ['high', 'medium', 'low'].indexOf(severity))
  expect(ranks).toEqual(ranks.toSorted())
  expect(new Set(ranks).size).toBe(3)
})

/** Every file with its bytes, mode and times of change, every folder with its time. */
function stateOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  const paths = [folder, ...names.map((entry) => join(entry.parentPath, entry.name))]
  return Object.fromEntries(
    paths.map((path) => {
      const { mode, mtimeNs, ctimeNs, ino } = statSync(path, { bigint: true })
      const bytes = statSync(path).isFile() ? readFileSync(path, 'base64') : ''
      return [path, [mode, mtimeNs, ctimeNs, ino, bytes].join(' ')]
    }),
  )
}

test('it reads only: no file, folder or time changes, whatever a killed run left behind', async () => {
  using home = new AuditHome()
  home.kubeconfig(secret)
  home.write('.kube/config.lock', '')
  home.write('.kube/.config.kubeguard-999999999-1-00112233.new', kubeconfigText(secret))
  home.write('.kube/cache/oidc-login/x', '{"refresh_token":"hush-hush"}')
  mkdirSync(join(home.home, '.tsh'))
  const before = stateOf(home.home)
  const { findings } = await home.audit(program)
  expect(findings.length).toBeGreaterThan(2)
  expect(stateOf(home.home)).toEqual(before)
})

test('a cache that a lock wipes is a small matter, whatever it holds', async () => {
  using home = new AuditHome()
  const token = JSON.stringify({ id_token: jwt({ exp: hoursFromNow(1) }), refresh_token: 'hush-hush' })
  const wiped = home.write('.kube/cache/oidc-login/4f2a', token)
  const other = home.write('.aws/sso/cache/aa.json', token)
  const { findings } = await home.audit(program, { wiped: ['.kube/cache/*'] })
  const found = findings.filter(({ rule }) => rule.startsWith('cached-') || rule === 'wiped-cache')
  expect(found).toMatchObject([
    { rule: 'cached-refresh-token', severity: 'high', file: other },
    { rule: 'wiped-cache', severity: 'low', file: wiped },
  ])
  expect(found[1]?.message).toBe('kubelogin (int128) keeps a refresh token; a lock wipes it')
})
