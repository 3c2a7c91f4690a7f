import { describe, expect, test } from 'vitest'
import { logInPolicies, whyNotTaken } from '../../../src/cli/log-in-policies.ts'
import type { RawPolicy } from '../../../src/platform/policy-file/add-policies.ts'
import type { FoundLogIn, PolicyReport } from '../../../src/protocol/reports.ts'

const found: FoundLogIn = {
  file: '/home/me/.kube/config',
  user: 'me',
  contexts: [{ name: 'dev', policy: 'default' }],
  program: 'kubelogin',
  factor: 'oidc',
  settings: { issuer: 'https://id.corp.example', clientId: 'kubernetes' },
  hasSecret: false,
  caches: ['kubelogin'],
  obstacles: [],
  changes: [],
}

const file: readonly RawPolicy[] = [
  { name: 'prod', contexts: ['prod-*'], idle: '5m', unlock: ['passphrase', 'ssh-agent'], wipe: ['tsh'] },
  { name: 'default', contexts: ['*'], idle: '30m', materialize: true },
]

const policies = ['prod', 'org', 'default'].map((name) => ({ name })) as unknown as PolicyReport['policies']
const world = {
  policies,
  said: (name: string) => file.find((policy) => policy.name === name),
  folderOf: (policy: string) => `/state/providers/${policy}`,
}

describe('a policy for a log-in', () => {
  test('has the rules that its contexts had, but for how they are unlocked', () => {
    const prod = {
      ...found,
      contexts: [{ name: 'prod-1', policy: 'prod' }],
      hasSecret: true,
      authorities: 'QQ==',
    }
    expect(logInPolicies([found, prod], world)).toMatchObject([
      {
        before: 'default',
        policy: {
          name: 'oidc',
          contexts: ['dev'],
          idle: '30m',
          unlock: ['oidc'],
          oidc: found.settings,
          wipe: ['kubelogin'],
        },
      },
      {
        before: 'prod',
        policy: {
          name: 'prod-oidc',
          contexts: ['prod-1'],
          idle: '5m',
          unlock: ['oidc', 'ssh-agent'],
          oidc: {
            ...found.settings,
            clientSecretFile: '/state/providers/prod-oidc/client-secret',
            ca: '/state/providers/prod-oidc/ca.pem',
          },
          wipe: ['tsh', 'kubelogin'],
        },
        authorities: { file: '/state/providers/prod-oidc/ca.pem', base64: 'QQ==' },
      },
    ])
    expect(logInPolicies([found], world)[0]?.policy).not.toHaveProperty('materialize')
  })

  test('is one for all users of one log-in, and another for another client', () => {
    const also = { ...found, user: 'you', contexts: [{ name: 'test', policy: 'default' }] }
    const other = { ...also, settings: { ...found.settings, clientId: 'grafana' } }
    expect(
      logInPolicies([found, also, other], world).map(({ policy }) => [policy.name, policy['contexts']]),
    ).toEqual([
      ['oidc', ['dev', 'test']],
      ['oidc-2', ['test']],
    ])
  })
})

describe('a log-in is not taken over', () => {
  const why = (more: Partial<FoundLogIn>, environment: NodeJS.ProcessEnv = {}) =>
    whyNotTaken({ ...found, ...more }, world, environment)

  test('where a policy can’t say the same, or nothing uses it', () => {
    expect(why({})).toBeUndefined()
    expect(why({ obstacles: ['--grant-type=password: no'] })).toBe('--grant-type=password: no')
    expect(why({ contexts: [] })).toBe('no context uses it')
    expect(why({ contexts: [{ name: 'a*', policy: 'default' }] })).toContain('would match others')
  })

  test('from a policy of the organisation’s', () => {
    expect(why({ contexts: [{ name: 'x', policy: 'org' }] })).toContain('org of x is the organisation’s')
  })

  test.each([
    [{ HTTPS_PROXY: 'http://proxy:3128' }, /^HTTPS_PROXY is set/],
    [{ https_proxy: 'http://proxy:3128', NO_PROXY: 'elsewhere.example' }, /^https_proxy is set/],
    [{ HTTPS_PROXY: 'http://proxy:3128', no_proxy: 'x, .corp.example' }, undefined],
    [{ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '*' }, undefined],
  ])('behind a proxy: %j', (environment, reason) => {
    const said = why({}, environment)
    if (reason === undefined) expect(said).toBeUndefined()
    else expect(said).toMatch(reason)
  })
})
