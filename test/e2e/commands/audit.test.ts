import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { AuditReport } from '../../../src/protocol/reports.ts'
import { width } from '../../../src/cli/table.ts'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { expectSarif } from '../../fixtures/sarif.ts'
import { repository, TestTerminal } from '../../fixtures/terminal.ts'
import { tokenCacheFiles, writeFiles } from '../../fixtures/token-caches.ts'

/** One finding of each severity: a password, an exec plugin, and no kuberc. The name tries to clear the screen. */
const findings = `apiVersion: v1
kind: Config
clusters: []
contexts:
- name: prod-with-a-rather-long-name-that-has-to-be-wrapped-somewhere-on-a-narrow-terminal
  context: {cluster: c, user: "root\\e[2J"}
users:
- name: "root\\e[2J"
  user:
    username: root
    password: a password in clear
- name: 漢字の名前がとても長い利用者
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: /opt/aws}
`

const audit = (home: TestHome, ...args: string[]) => home.kubeguard(['audit', ...args])

function homeWith(text: string): TestHome {
  const home = makeHome()
  writeFileSync(home.kubeconfig, text, { mode: 0o600 })
  return home
}

test('without a daemon, without an installation, and nothing is written', async () => {
  await using home = homeWith(findings)
  const { code, stdout, stderr } = await audit(home)
  expect(code).toBe(1)
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringMatching(/^high {4}~\/\.kube\/config:11 {2}basic-auth: user root .*; use a token or/),
    expect.stringMatching(/^medium {2}~\/\.kube\/config:14 {2}unguarded-plugin: /),
    expect.stringMatching(/^low {5}~\/\.kube\/kuberc {2}plugin-policy-open: /),
  ])
  expect(stderr).toBe('kubeguard: 3 findings (1 high, 1 medium, 1 low): 2 users in 1 kubeconfig\n')
  expect(stdout + stderr).not.toMatch(/\p{Cc}(?<!\n)|a password in clear/u)
  expect(existsSync(join(home.guardHome, 'state'))).toBe(false)
  expect(readFileSync(home.kubeconfig, 'utf8')).toBe(findings)
})

test.each([
  ['never', 0],
  ['high', 1],
  ['medium', 1],
  ['low', 1],
])('--fail-on %s where a password is found: exit code %i', async (level, code) => {
  await using home = homeWith(findings)
  expect((await audit(home, '--fail-on', level)).code).toBe(code)
})

test.each([
  ['high', 0],
  ['medium', 0],
  ['low', 1],
  ['never', 0],
])('--fail-on %s where the worst is low: exit code %i', async (level, code) => {
  await using home = homeWith('apiVersion: v1\nkind: Config\nusers: []\n')
  expect((await audit(home, '--fail-on', level)).code).toBe(code)
})

test('clean: exit code 0, and it says so', async () => {
  await using home = homeWith('apiVersion: v1\nkind: Config\nusers: [{name: a, user: {}}]\n')
  const { code, stdout, stderr } = await audit(home, '--kubeconfig', home.kubeconfig, '--fail-on', 'low')
  expect([code, stdout, stderr]).toEqual([
    0,
    '',
    'kubeguard: nothing outlives a session: 1 user in 1 kubeconfig\n',
  ])
})

test('usage: an unknown level or format, a file that is not there', async () => {
  await using home = homeWith(findings)
  expect((await audit(home, '--fail-on', 'some')).code).toBe(64)
  expect((await audit(home, '--format', 'xml')).code).toBe(64)
  expect((await audit(home, '--fix', '--json')).code).toBe(64)
  const { code, stderr } = await audit(home, '--kubeconfig', 'no-such-file')
  expect([code, stderr]).toEqual([78, 'kubeguard: there is no file no-such-file\ncheck the path\n'])
})

test('json', async () => {
  await using home = homeWith(findings)
  const { stdout } = await audit(home, '--format', 'json')
  expect((await audit(home, '--json')).stdout).toBe(stdout)
  const report = JSON.parse(stdout) as AuditReport
  expect(report).toMatchObject({ schema: 1, kubeconfigs: 1, users: 2, leftOut: 0, adoptable: [] })
  expect(report.findings[0]).toMatchObject({
    rule: 'basic-auth',
    severity: 'high',
    line: 11,
    file: home.kubeconfig,
  })
})

test('sarif 2.1.0, valid against its published schema', async () => {
  await using home = homeWith(findings)
  const strange = join(home.home, 'with space, ü and %.yaml')
  writeFileSync(strange, findings)
  writeFileSync(`${strange}.bak`, 'users: [')
  for (const args of [[], ['--kubeconfig', strange, '--kubeconfig', `${strange}.bak`]]) {
    const { stdout } = await audit(home, '--format', 'sarif', ...args)
    const sarif = JSON.parse(stdout) as { runs: [{ results: { locations: unknown[]; ruleId: string }[] }] }
    expectSarif(sarif)
    expect(sarif.runs[0].results.length).toBeGreaterThan(2)
  }
})

test.each([40, 72, 120])(
  'on a terminal of %i columns no line is wider, and it is coloured',
  async (columns) => {
    await using home = homeWith(findings)
    using terminal = new TestTerminal(
      '/bin/sh',
      ['-c', `stty cols ${columns}; ${repository}/bin/kubeguard audit 2>/dev/null; exit $?`],
      home.env,
    )
    expect(await terminal.ended()).toBe(1)
    expect(terminal.output).toContain('\x1b[31m')
    expect(terminal.output).not.toContain('\x1b[2J')
    const lines = stripVTControlCharacters(terminal.output).split('\r\n')
    expect(Math.max(...lines.map(width))).toBeLessThanOrEqual(columns)
    expect(lines[0]).toMatch(/^high {4}basic-auth/)
  },
)

test('--fix adopts what can be adopted, after asking; what can’t be is found again', async () => {
  await using home = makeHome()
  await home.startPlayground()
  await home.init()
  const plain = readFileSync(home.kubeconfig, 'utf8')
  const second = join(home.home, '.kube', 'second')
  const token = 'a-token-that-is-plain-to-see'
  writeFileSync(
    second,
    `users:\n- name: plain\n  user:\n    token: ${token}\n- name: root\n  user: {username: r, password: p4ssw0rd}\n`,
    {
      mode: 0o600,
    },
  )
  const refused = await audit(home, '--fix')
  expect(refused.code).toBe(64)
  expect(refused.stderr).toContain('give --yes')
  expect(readFileSync(second, 'utf8')).toContain(token)
  const { code, stdout } = await audit(home, '--fix', '--yes')
  expect(code).toBe(1)
  expect(stdout).toMatch(/plain +~?\/.*second +default +token/)
  expect(readFileSync(second, 'utf8')).not.toContain(token)
  expect(readFileSync(home.kubeconfig, 'utf8')).toBe(plain)
  const again = JSON.parse((await audit(home, '--json')).stdout) as AuditReport
  expect(again.adoptable).toEqual([])
  expect(again.findings.map(({ rule, user }) => [rule, user])).toContainEqual(['basic-auth', 'root'])
  expect(again.findings.map(({ user }) => user)).not.toContain('plain')
  good(
    await home.kubeguard(['eject', '--kubeconfig', second, '--yes', '--passphrase-fd', '3'], {
      fd3: passphrase,
    }),
  )
  expect(readFileSync(second, 'utf8')).toContain(token)
})

test('what the rules say a lock wipes is no more than a remark', async () => {
  await using home = homeWith('apiVersion: v1\nkind: Config\n')
  writeFiles(home.home, tokenCacheFiles['aws-sso'])
  expect((await audit(home)).stdout).toMatch(/^high .*cached-refresh-token/m)
  writePolicy(home, { idle: '10m', more: '    wipe: [aws-sso]\n' })
  const { code, stdout } = await audit(home)
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^low .*wiped-cache/m)])
  expect(stdout).not.toContain('cached-')
})
