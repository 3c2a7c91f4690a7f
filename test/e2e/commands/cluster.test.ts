import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClusterReport } from '../../../src/cluster-check/report.ts'
import { width } from '../../../src/cli/table.ts'
import { good, makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { expectSarif } from '../../fixtures/sarif.ts'
import { repository, TestTerminal } from '../../fixtures/terminal.ts'
import { kubectl } from '../../fixtures/tools.ts'

let home: TestHome

beforeAll(async () => {
  home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
})
afterAll(() => home.dispose())

const check = (...args: string[]) => home.kubeguard(['cluster', 'check', ...args])

test('locked it asks nobody where it can’t, and on a terminal for the passphrase, once', async () => {
  const refused = await check()
  expect(refused).toMatchObject({ code: 77, stdout: '' })
  expect(refused.stderr).toMatch(/^kubeguard: default is locked.*\n.*kubeguard unlock.*\n$/)
  using person = await personIn(home)
  const { code, shown } = await person.enterAndUnlock(`${repository}/bin/kubeguard cluster check`)
  expect(code).toBe(1)
  expect(shown).toContain('leak-everything')
  expect(shown.split('passphrase for')).toHaveLength(1)
  await home.lock()
})

test('unlocked: findings, what was not seen and what it needs, exit codes', async () => {
  await home.unlock()
  const { code, stdout, stderr } = await check()
  expect(code).toBe(1)
  expect(stdout).toMatch(
    /^high {4}user playground {2}leak-everything: .*every verb on everything; bind a role/,
  )
  // Of its two nodes one is set to close idle streams.
  expect(stdout).toMatch(
    /^medium {2}node node-0 {2}kubelet-streams: .*streamingConnectionIdleTimeout: 4h0m0s; /m,
  )
  expect(stdout).not.toContain('node-1')
  expect(stdout).toMatch(
    /^not seen {2}who holds cluster-admin: needs an answer: error: the server doesn't have a resource type/m,
  )
  expect(stderr).toMatch(
    /^kubeguard: 2 found \(1 high, 1 medium\), \d+ not seen: https:\/\/127\.0\.0\.1:\d+ as playground\n$/,
  )
  expect((await check('--fail-on', 'never')).code).toBe(0)
  expect((await check('--fail-on', 'never', '--fail-on-unseen')).code).toBe(1)
  const shown = await check('--platform', 'all', '--fail-on', 'never')
  expect(shown.stdout).toMatch(/; API server, kubeadm, k3s, RKE2: bind .*; EKS: .*; GKE: .*; AKS: /)
})

test('json, and sarif 2.1.0 that is valid against its published schema', async () => {
  await home.unlock()
  const { stdout } = await check('--json')
  const report = JSON.parse(stdout) as ClusterReport
  expect(report).toMatchObject({ schema: 1, user: 'playground', platform: 'server', leftOut: 0 })
  expect(report.findings[0]).toMatchObject({ rule: 'leak-everything', severity: 'high' })
  const sarif = JSON.parse((await check('--format', 'sarif')).stdout) as object
  expectSarif(sarif)
  expect(sarif).toMatchObject({
    runs: [
      {
        results: [
          { ruleId: 'leak-everything', level: 'error' },
          { ruleId: 'kubelet-streams', level: 'warning' },
        ],
        invocations: [{ executionSuccessful: true }],
      },
    ],
  })
})

test('on a terminal no line is wider', async () => {
  await home.unlock()
  const columns = 50
  const line = `stty cols ${columns}; ${repository}/bin/kubeguard cluster check 2>/dev/null; exit $?`
  using terminal = new TestTerminal('/bin/sh', ['-c', line], home.env)
  expect(await terminal.ended(60_000)).toBe(1)
  const lines = stripVTControlCharacters(terminal.output).split('\r\n')
  expect(Math.max(...lines.map(width))).toBeLessThanOrEqual(columns)
  expect(lines[0]).toMatch(/^high {4}leak-everything/)
})

test('a lock in the midst of it ends it, and half a report is none', async () => {
  await home.unlock()
  const folder = join(home.root, 'bin')
  mkdirSync(folder, { recursive: true })
  const script = `#!/bin/sh\ncase "$*" in *whoami*) ${repository}/bin/kubeguard lock >/dev/null 2>&1 ;; esac\nexec ${kubectl()} "$@"\n`
  writeFileSync(join(folder, 'kubectl'), script)
  chmodSync(join(folder, 'kubectl'), 0o755)
  const env = { PATH: `${folder}:${home.env['PATH']}` }
  const { code, stdout, stderr } = await home.kubeguard(['cluster', 'check'], { env })
  expect([code, stdout]).toEqual([77, ''])
  expect(stderr).toMatch(/^kubeguard: the session was locked while the cluster was asked\n.*unlock\n$/m)
})

test('no kubectl, no server, no such file: what is wrong, and the cure', async () => {
  await using bare = makeHome()
  // What the launcher itself needs, and no more.
  const path = join(bare.root, 'no-kubectl')
  mkdirSync(path)
  symlinkSync('/usr/bin/readlink', join(path, 'readlink'))
  const nowhere = await bare.kubeguard(['cluster', 'check'], { env: { PATH: path } })
  expect(nowhere).toMatchObject({ code: 127 })
  expect(nowhere.stderr).toMatch(/^kubeguard: there is no kubectl on PATH .*\n.+\n$/)
  writeFileSync(
    bare.kubeconfig,
    'apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: "https://127.0.0.1:9"}}]\nusers: [{name: none, user: {token: none}}]\ncontexts: [{name: c, context: {cluster: c, user: none}}]\ncurrent-context: c\n',
  )
  const dead = await bare.kubeguard(['cluster', 'check'])
  expect(dead).toMatchObject({ code: 75, stdout: '' })
  expect(dead.stderr).toMatch(
    /refused[\s\S]*kubeguard: kubectl can’t ask this cluster.*\nsee what kubectl said/,
  )
  const config = join(bare.home, 'authentication.yaml')
  const usage = async (text: string | undefined, shown: RegExp): Promise<void> => {
    if (text !== undefined) writeFileSync(config, text)
    const run = await bare.kubeguard(['cluster', 'check', '--authentication-config', config])
    expect(run).toMatchObject({ code: 64, stdout: '', stderr: expect.stringMatching(shown) })
  }
  await usage(undefined, /authentication\.yaml can’t be read: ENOENT\n/)
  await usage('jwt: [', /authentication\.yaml:1:\d+: /)
  await usage('kind: Pod\n', /its kind is not AuthenticationConfiguration\n/)
  for (const args of [
    ['--token-of', 'x'],
    ['--platform', 'x'],
    ['--format', 'xml'],
    ['--fail-on', 'x'],
  ])
    expect(await bare.kubeguard(['cluster', 'check', ...args])).toMatchObject({ code: 64 })
})

test('a file without a lifetime rule is a finding, with the rule to write', async () => {
  await home.unlock()
  const file = join(home.home, 'authentication.yaml')
  writeFileSync(
    file,
    'kind: AuthenticationConfiguration\njwt: [{issuer: {url: "https://login.example.com"}}]\n',
  )
  const without = await check('--authentication-config', file)
  expect(without.stdout).toMatch(/^high +issuer https:\/\/login.*claims\.exp - claims\.iat <= 900/m)
  const page = readFileSync(join(repository, 'docs', 'cluster-check.md'), 'utf8')
  const [, whole = ''] = /<!-- authentication -->\n```yaml\n([\s\S]*?)```/.exec(page) ?? []
  writeFileSync(file, whole)
  expect(good(await check('--authentication-config', file, '--fail-on', 'never')).stdout).not.toContain(
    'issuer https',
  )
})
