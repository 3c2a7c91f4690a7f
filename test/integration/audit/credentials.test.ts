import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { AuditRule } from '../../../src/domain/audit-rules.ts'
import { bundleScribe } from '../scribe/scribe-fixture.ts'
import { AuditHome, clientCertificate, hoursFromNow, jwt } from './audit-home.ts'

const program = bundleScribe()

/** Every finding has to point at the line that holds what it is about. */
function lineAt(file: string, line: number | undefined): string {
  return readFileSync(file, 'utf8').split('\n')[(line ?? 0) - 1] ?? ''
}

const legacy = {
  'iss': 'kubernetes/serviceaccount',
  'sub': 'system:serviceaccount:ci:deployer',
  'kubernetes.io/serviceaccount/namespace': 'ci',
}

test.each<[what: string, token: string, rule: AuditRule, says: RegExp]>([
  ['opaque', 'abcdefghijklmnop', 'unending-token', /doesn’t say when it ends/],
  ['without exp', jwt({ iss: 'https://idp' }), 'unending-token', /never ends, by https:\/\/idp/],
  [
    'of a service account',
    jwt(legacy),
    'service-account-token',
    /never ends.*to system:serviceaccount:ci:deployer/,
  ],
  [
    'for a year',
    jwt({ exp: hoursFromNow(8760), iat: hoursFromNow(-1), iss: 'https://idp', aud: ['api', 'vault'] }),
    'long-lived-token',
    /ends 20\d\d-.*issued 20\d\d-.*by https:\/\/idp, for api and vault/,
  ],
  ['for an hour', jwt({ exp: hoursFromNow(1) }), 'short-lived-token', /ends 20\d\d-/],
  ['that ended', jwt({ exp: hoursFromNow(-1) }), 'expired-token', /ended 20\d\d-/],
])('a token %s', async (_, token, rule, says) => {
  using home = new AuditHome()
  home.kubeconfig({ alice: { token } })
  const [finding] = await home.found(program, rule)
  expect(finding).toMatchObject({ file: home.config, user: 'alice', contexts: ['ctx-alice'], column: 7 })
  expect(finding?.message).toMatch(says)
  expect(lineAt(home.config, finding?.line)).toContain('token: ')
  expect(JSON.stringify(finding)).not.toContain(token)
})

test('a token in a file of its own: the file is named, and its mode looked at', async () => {
  using home = new AuditHome()
  home.kubeconfig({ alice: { tokenFile: 'token' } })
  const file = home.write('.kube/token', `${jwt({})}\n`, 0o644)
  const { findings } = await home.audit(program)
  const token = findings.find(({ rule }) => rule === 'unending-token')
  expect(token?.message).toContain(`in ${file}`)
  expect(lineAt(home.config, token?.line)).toContain('tokenFile:')
  expect(findings).toContainEqual(expect.objectContaining({ rule: 'readable-by-others', file }))
})

test('client certificates: validity, issuer, groups, key, embedded or in a file', async () => {
  using home = new AuditHome()
  const [long, short, ended, masters, weak] = await Promise.all([
    clientCertificate(),
    clientCertificate({ hours: 2 }),
    clientCertificate({ hours: -2 }),
    clientCertificate({ organisation: 'system:masters' }),
    clientCertificate({ rsaBits: 1024 }),
  ])
  const embedded = ({ certificate, key }: typeof long) => ({
    'client-certificate-data': certificate,
    'client-key-data': key,
  })
  const plain = (text: string): string => Buffer.from(text, 'base64').toString()
  const keyFile = home.write('.kube/alice.key', plain(long.key))
  home.write('.kube/alice.crt', plain(long.certificate))
  home.kubeconfig({
    file: { 'client-certificate': 'alice.crt', 'client-key': 'alice.key' },
    short: embedded(short),
    ended: embedded(ended),
    masters: embedded(masters),
    weak: embedded(weak),
    broken: { 'client-certificate-data': 'bm9uZQ==', 'client-key-data': long.key },
  })
  const { findings, adoptable } = await home.audit(program)
  const of = (rule: AuditRule, user: string) =>
    findings.find((finding) => finding.rule === rule && finding.user === user)?.message
  expect(of('client-certificate', 'file')).toMatch(
    /can’t be revoked, ends 20.*valid from 20.*issued by .*CN=alice.*groups devs, EC prime256v1, key in /,
  )
  expect(of('client-certificate', 'file')).toContain(keyFile)
  expect(of('short-lived-client-certificate', 'short')).toContain('key embedded')
  expect(of('expired-client-certificate', 'ended')).toContain('ended 20')
  expect(of('cluster-admin-certificate', 'masters')).toContain('groups system:masters')
  expect(of('client-certificate', 'weak')).toContain('RSA 1024 bits')
  expect(of('weak-key', 'weak')).toContain('RSA 1024 bits')
  expect(of('client-certificate', 'broken')).toContain('can’t be read')
  expect(adoptable).toEqual([
    { file: home.config, users: ['file', 'short', 'ended', 'masters', 'weak', 'broken'] },
  ])
})

test('passwords, auth providers, and addresses with a password', async () => {
  using home = new AuditHome()
  home.kubeconfig(
    {
      basic: { username: 'root', password: 'a password in clear' },
      gcp: {
        'auth-provider': {
          name: 'gcp',
          config: { 'access-token': 'secret-access', 'refresh-token': 'secret-r' },
        },
      },
    },
    { c: { 'server': 'https://me:secret-word@host:6443', 'proxy-url': 'http://me:secret-word@proxy' } },
  )
  const report = await home.audit(program)
  const found = report.findings.map(({ rule, line }) => [
    rule,
    lineAt(home.config, line).trim().split(':')[0],
  ])
  expect(found).toEqual(
    expect.arrayContaining([
      ['basic-auth', 'password'],
      ['auth-provider', 'auth-provider'],
      ['password-in-url', 'server'],
      ['password-in-url', 'proxy-url'],
    ]),
  )
  expect(JSON.stringify(report)).not.toMatch(/secret-|password in clear"/)
  expect(report.findings.find(({ rule }) => rule === 'auth-provider')?.message).toContain(
    'access-token, refresh-token',
  )
  expect(report.adoptable).toEqual([])
})

const exec = (command: string, more: object = {}) => ({
  exec: { apiVersion: 'client.authentication.k8s.io/v1', command, ...more },
})
const ours = exec('/x/kubeguard-credential', { args: ['--policy', 'p', '--credential', 'p.a-01234567'] })

test('exec plugins: unguarded, by bare name, hidden by a static credential, with secrets of their own', async () => {
  using home = new AuditHome()
  home.kubeconfig({
    env: exec('env'),
    full: exec('/opt/bin/aws'),
    nowhere: exec('no-such-plugin-anywhere'),
    hidden: { ...exec('/opt/bin/aws'), token: 'abcdefghijkl' },
    secret: exec('/opt/kubelogin', { args: ['get-token', '--oidc-client-secret=hush-hush'] }),
    variable: exec('/opt/aws', { env: [{ name: 'AWS_SECRET_ACCESS_KEY', value: 'hush-hush' }] }),
    ours,
    bypassed: { ...ours, token: 'abcdefghijkl' },
  })
  const report = await home.audit(program)
  const rulesOf = (user: string) =>
    report.findings
      .filter((finding) => finding.user === user)
      .map(({ rule }) => rule)
      .toSorted()
  expect(rulesOf('env')).toEqual(['plugin-by-name', 'unguarded-plugin'])
  expect(rulesOf('full')).toEqual(['unguarded-plugin'])
  expect(rulesOf('nowhere')).toEqual(['plugin-by-name', 'unguarded-plugin'])
  expect(rulesOf('hidden')).toEqual(['plugin-never-runs', 'unending-token'])
  expect(rulesOf('secret')).toEqual(['secret-in-exec', 'unguarded-plugin'])
  expect(rulesOf('variable')).toEqual(['secret-in-exec', 'unguarded-plugin'])
  expect(rulesOf('ours')).toEqual([])
  expect(rulesOf('bypassed')).toEqual(['guard-bypassed', 'unending-token'])
  const message = (user: string, rule: AuditRule) =>
    report.findings.find((finding) => finding.user === user && finding.rule === rule)?.message
  expect(message('env', 'plugin-by-name')).toContain('now /usr/bin/env')
  expect(message('nowhere', 'plugin-by-name')).toContain('not on PATH now')
  expect(message('secret', 'secret-in-exec')).toContain('--oidc-client-secret of /opt/kubelogin')
  expect(message('variable', 'secret-in-exec')).toContain('AWS_SECRET_ACCESS_KEY of /opt/aws')
  expect(JSON.stringify(report)).not.toContain('hush-hush')
})

test('clusters without a check of their certificate, or without TLS', async () => {
  using home = new AuditHome()
  home.kubeconfig(
    {},
    {
      skips: { 'server': 'https://a', 'insecure-skip-tls-verify': true },
      checks: { 'server': 'https://b', 'insecure-skip-tls-verify': false },
      plain: { server: 'http://c:8080' },
    },
  )
  const { findings } = await home.audit(program)
  const about = (rule: AuditRule) =>
    findings.filter((finding) => finding.rule === rule).map(({ message }) => message)
  expect(about('insecure-skip-tls-verify')).toEqual(['cluster skips: its certificate is not checked'])
  expect(about('plain-http')).toEqual([expect.stringContaining('cluster plain: ')])
})
