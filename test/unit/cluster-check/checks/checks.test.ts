import { describe, expect, test } from 'vitest'
import { readBindings } from '../../../../src/cluster-check/bindings.ts'
import { checkAnonymousAccess } from '../../../../src/cluster-check/checks/anonymous-access.ts'
import { checkAuditLog } from '../../../../src/cluster-check/checks/audit-log.ts'
import { checkBootstrapTokens } from '../../../../src/cluster-check/checks/bootstrap-tokens.ts'
import { checkKubeletStreams } from '../../../../src/cluster-check/checks/kubelet-streams.ts'
import { checkPodTokens } from '../../../../src/cluster-check/checks/pod-tokens.ts'
import { checkStructuredAuthentication } from '../../../../src/cluster-check/checks/structured-authentication.ts'
import { checkTokenRequest } from '../../../../src/cluster-check/checks/token-request.ts'
import { checkTokenSecrets } from '../../../../src/cluster-check/checks/token-secrets.ts'
import { samplesOf } from '../../../../src/cluster-check/metrics.ts'
import { lifetimeRule } from '../../../../src/cluster-check/rules.ts'
import { cluster, flags, no, noted, yes } from '../scripted-cluster.ts'

const noMetrics = { samples: undefined, needs: '' }
const nowMs = Date.parse('2026-11-30T12:00:00Z')
describe('TokenRequest', () => {
  const me = { username: 'system:serviceaccount:a:b', groups: [], extra: {} }
  const seen = { me, flags: undefined, named: undefined, nowMs }
  const policyNo = {
    ok: false as const,
    forbidden: true,
    why: 'error: failed to create token: serviceaccounts "b" is forbidden: ValidatingAdmissionPolicy \'short-tokens\' denied request',
  }

  test('the longest grant is what it gave, whatever was asked for', async () => {
    const gives = (end: string) => cluster([[/^create token b -n a --duration=8760h/, yes(end)]])
    expect(await noted((notes) => checkTokenRequest(gives('2027-11-30T11:59:58Z'), notes, seen))).toEqual([
      'high token-request-long serviceaccount a/b: measured: asked for 365d, given 365d; that token was thrown away unseen',
    ])
    expect(await noted((notes) => checkTokenRequest(gives('2026-12-01T12:00:02Z'), notes, seen))).toEqual([])
  })

  test('where a policy refuses a year, a little more than a day is asked for', async () => {
    const api = cluster([
      [/--duration=8760h/, policyNo],
      [/--duration=25h/, yes('2026-12-01T13:00:00Z')],
    ])
    expect(await noted((notes) => checkTokenRequest(api, notes, seen))).toEqual([
      expect.stringContaining('asked for 1d1h, given 1d1h'),
    ])
    expect(await noted((notes) => checkTokenRequest(cluster([[/token/, policyNo]]), notes, seen))).toEqual([])
  })

  test('of nobody else’s account unless it was named, and without the right the flags tell', async () => {
    const api = cluster([])
    const person = { ...seen, me: { ...me, username: 'alice' } }
    expect(await noted((notes) => checkTokenRequest(api, notes, person))).toEqual([
      expect.stringContaining('--token-of NAMESPACE/NAME'),
    ])
    // A name that an API server made up is no flag of kubectl’s.
    const madeUp = { ...seen, me: { ...me, username: 'system:serviceaccount:a:--kubeconfig=/x' } }
    expect(await noted((notes) => checkTokenRequest(api, notes, madeUp))).toHaveLength(1)
    expect(api.asked).toEqual([])
    expect(
      await noted((notes) =>
        checkTokenRequest(api, notes, {
          ...person,
          flags: flags({ 'service-account-max-token-expiration': '1h0m0s' }, {}),
        }),
      ),
    ).toEqual([
      'high token-request-long flag service-account-max-token-expiration: --service-account-max-token-expiration is not set (pods)',
    ])
    const rbacNo = {
      ok: false as const,
      forbidden: true,
      why: 'error: failed to create token: serviceaccounts "b" is forbidden: User "x" cannot create resource "serviceaccounts/token" in API group ""',
    }
    expect(
      await noted((notes) =>
        checkTokenRequest(cluster([[/token/, rbacNo]]), notes, {
          ...seen,
          flags: flags({ 'service-account-max-token-expiration': '1h' }),
        }),
      ),
    ).toEqual([])
    expect(await noted((notes) => checkTokenRequest(cluster([[/token/, rbacNo]]), notes, seen))).toEqual([
      expect.stringMatching(
        /^\? TokenRequest’s longest grant: create on serviceaccounts\/token in a; or list on pods/,
      ),
    ])
  })
})

test('one API server of several without the flag is a gap', async () => {
  const off = { 'service-account-extend-token-expiration': 'false' }
  expect(await noted((notes) => checkPodTokens(notes, flags(off, off)))).toEqual([])
  expect(await noted((notes) => checkPodTokens(notes, flags(off, {})))).toHaveLength(1)
  const logs = { 'audit-policy-file': 'a', 'audit-webhook-config-file': 'b' }
  expect(await noted((notes) => checkAuditLog(notes, flags(logs), noMetrics))).toEqual([])
  expect(
    await noted((notes) => checkAuditLog(notes, flags(logs, { 'audit-policy-file': 'a' }), noMetrics)),
  ).toEqual([expect.stringMatching(/^high audit-off/)])
})

test('where no flag is to be seen the audit log shows in what was counted', async () => {
  const unseen = { samples: undefined, needs: 'get on the path /metrics' }
  const counted = (count: number) => ({
    ...unseen,
    samples: samplesOf(`# TYPE x\napiserver_audit_event_total ${count}\n`, ['apiserver_audit']),
  })
  expect(await noted((notes) => checkAuditLog(notes, undefined, counted(0)))).toHaveLength(1)
  expect(await noted((notes) => checkAuditLog(notes, undefined, counted(7)))).toEqual([])
  expect(await noted((notes) => checkAuditLog(notes, undefined, unseen))).toEqual([
    expect.stringMatching(/^\? audit logging: get on the path \/metrics; or list on pods/),
  ])
})

test('tokens in Secrets: of all namespaces, or else of the context’s; one that is refused already is none', async () => {
  const rows = [
    'a  one    kubernetes.io/service-account-token   3   2d   <none>',
    'b  two    kubernetes.io/service-account-token   3   400d   kubernetes.io/legacy-token-last-used=2026-01-02,x=y',
    'b  three  kubernetes.io/service-account-token   3   400d   kubernetes.io/legacy-token-invalid-since=2026-01-02',
  ]
  const all = cluster([[/^get secrets -A/, yes(`${rows.join('\n')}\n`)]])
  expect(await noted((notes) => checkTokenSecrets(all, notes, 'a'))).toEqual([
    'high token-secret secret a/one: made 2d ago, never used',
    'high token-secret secret b/two: made 400d ago, last used on 2026-01-02',
  ])
  const own = cluster([[/^get secrets -n a/, yes(`${rows[0]?.replace('a  ', '')}\n`)]])
  expect(await noted((notes) => checkTokenSecrets(own, notes, 'a'))).toEqual([
    'high token-secret secret a/one: made 2d ago, never used',
    '? service account tokens in Secrets: list on secrets',
  ])
})

test('bootstrap tokens: without an end, for longer than a day, and those that authenticate nobody', async () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const yesUse = base64('true')
  const lines = [
    `bootstrap-token-aaaaaa  ${yesUse}`,
    `bootstrap-token-bbbbbb ${base64('2026-12-03T12:00:00Z')} ${yesUse}`,
    `bootstrap-token-cccccc ${base64('2026-11-30T13:00:00Z')} ${yesUse}`,
    `bootstrap-token-dddddd  ${base64('false')}`,
  ]
  const api = cluster([[/secrets -n kube-system/, yes(`${lines.join('\n')}\n`)]])
  expect(await noted((notes) => checkBootstrapTokens(api, notes, nowMs))).toEqual([
    'high bootstrap-token-endless secret kube-system/bootstrap-token-aaaaaa: it has no expiration',
    'medium bootstrap-token-long secret kube-system/bootstrap-token-bbbbbb: it ends in 3d',
  ])
  expect(await noted((notes) => checkBootstrapTokens(cluster([[/./, no]]), notes, nowMs))).toEqual([
    '? bootstrap tokens: list on secrets in kube-system',
  ])
})

test('what is in the way beside a right is said as it is', async () => {
  const broken = { ok: false as const, forbidden: false, why: 'error: the connection was lost' }
  expect(await noted((notes) => checkBootstrapTokens(cluster([[/./, broken]]), notes, nowMs))).toEqual([
    '? bootstrap tokens: an answer: error: the connection was lost',
  ])
})

test('anonymous access: 401 is no, 403 a yes, and what does not answer is not seen', async () => {
  const nothing = { all: [], needs: { cluster: undefined, namespaces: undefined } }
  const answered = (anonymous: number | Error) =>
    noted((notes) => checkAnonymousAccess(cluster([], anonymous), notes, nothing))
  expect(await answered(401)).toEqual([])
  expect(await answered(403)).toEqual([expect.stringMatching(/^low anonymous-access/)])
  expect(await answered(200)).toEqual([
    expect.stringMatching(/^high anonymous-rights/),
    expect.stringMatching(/^low anonymous-access/),
  ])
  expect(await answered(new Error('no route'))).toEqual([
    expect.stringMatching(/^\? anonymous access: .*no route/),
  ])
})

test('bindings of who shows no credential, but not those that Kubernetes and kubeadm make', async () => {
  const binding = (name: string) => ({
    metadata: { name },
    roleRef: { kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'Group', name: 'system:unauthenticated' }],
  })
  const items = JSON.stringify({ items: [binding('system:public-info-viewer'), binding('careless')] })
  const api = cluster([[/^get clusterrolebindings/, yes(items)]])
  expect(await noted(async (notes) => checkAnonymousAccess(api, notes, await readBindings(api)))).toEqual([
    'high anonymous-rights clusterrolebinding careless: group system:unauthenticated: ClusterRole view',
    '? rights of who shows no credential: list on rolebindings',
  ])
})

test.each([
  [lifetimeRule, true],
  ['claims.exp - claims.nbf <= 86400', true],
  ['claims.exp < claims.iat + 900', true],
  ['900 >= claims.exp - claims.iat', true],
  ['claims.exp - claims.iat >= 900', false],
  ['claims.exp - claims.iat <= 900 || claims.admin', false],
  ['claims.hd == "example.com"', false],
])('a lifetime rule? %s', async (expression, isOne) => {
  const authenticators = [{ issuer: 'https://a', expressions: ['claims.x == 1', expression] }]
  const found = await noted((notes) => checkStructuredAuthentication(notes, undefined, authenticators))
  expect(found.length).toBe(isOne ? 0 : 1)
})

test('flags that lead to tokens without a rule, and a file that nobody showed', async () => {
  const set = {
    'oidc-issuer-url': 'https://a',
    'token-auth-file': '/f',
    'authentication-config': '/etc/a.yaml',
  }
  expect(await noted((notes) => checkStructuredAuthentication(notes, flags(set), undefined))).toEqual([
    'high static-token-file flag token-auth-file: it is set (pods)',
    'medium oidc-flags flag oidc-issuer-url: https://a (pods)',
    expect.stringContaining('the file /etc/a.yaml of the control plane'),
  ])
})

test('kubelets: four hours, never, a quarter of an hour, no right', async () => {
  const says = (time: string) =>
    yes(JSON.stringify({ kubeletconfig: { streamingConnectionIdleTimeout: time } }))
  const names = ['four', 'never', 'short', 'secret']
  const api = cluster([
    [/^get nodes/, yes(names.join(' '))],
    [/four/, says('4h0m0s')],
    [/never/, says('0s')],
    [/short/, says('15m0s')],
  ])
  expect(await noted((notes) => checkKubeletStreams(api, notes))).toEqual([
    'high kubelet-streams node never: streamingConnectionIdleTimeout: 0s, which is never',
    'medium kubelet-streams node four: streamingConnectionIdleTimeout: 4h0m0s',
    '? the kubelets’ time-out of streams at secret: get on nodes/proxy',
  ])
})
