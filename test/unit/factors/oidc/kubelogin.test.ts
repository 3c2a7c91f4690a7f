import { describe, expect, test } from 'vitest'
import { knownToFactor, settingsFor } from '../../../../src/domain/policy-unlock.ts'
import { readAuthProvider } from '../../../../src/factors/oidc/settings/auth-provider.ts'
import { readKubelogin } from '../../../../src/factors/oidc/settings/kubelogin.ts'

const flags = ['--oidc-issuer-url=https://id.example.com', '--oidc-client-id', 'kubernetes']
const told = { issuer: 'https://id.example.com', clientId: 'kubernetes' }

const exec = (command: string, args: readonly string[], env: { name: string; value: string }[] = []) =>
  ({ by: 'exec', command, args, env, home: '/home/me' }) as const
const kubelogin = (...more: string[]) => readKubelogin(exec('kubelogin', ['get-token', ...flags, ...more]))

describe('kubelogin', () => {
  test.each([
    ['kubectl', ['oidc-login', 'get-token', ...flags]],
    ['/usr/local/bin/kubelogin', ['get-token', ...flags]],
    ['kubectl-oidc_login', ['get-token', '-v1', ...flags, '-v', '2', '--v=3']],
  ])('is %s %j', (command, args) => {
    expect(readKubelogin(exec(command, args))).toMatchObject({
      settings: told,
      caches: ['kubelogin'],
      obstacles: [],
    })
  })

  test.each([
    ['kubelogin', ['get-token', '--server-id', 'x', '--login', 'azurecli']],
    ['kubectl', ['get-token', ...flags]],
    ['kubelogin', ['setup', ...flags]],
    ['aws', ['eks', 'get-token', ...flags]],
  ])('is not %s %j', (command, args) => {
    expect(readKubelogin(exec(command, args))).toBeUndefined()
  })

  test('says in its flags what a policy says of its provider', () => {
    const known = kubelogin(
      '--oidc-client-secret=s3cret',
      '--oidc-extra-scope=email,groups',
      '--oidc-extra-scope',
      'openid',
      '--oidc-extra-scope=offline_access',
      '--oidc-use-pkce',
      '--oidc-pkce-method=S256',
      '--grant-type=authcode',
      '--listen-address=127.0.0.1:12345',
      '--listen-address=127.0.0.1:0',
      '--certificate-authority=~/ca.pem',
      '--authentication-timeout-sec=60',
      '--token-cache-dir=~/.cache/tokens',
      '--skip-open-browser',
      '--force-refresh',
    )
    expect(known).toEqual({
      program: 'kubelogin',
      settings: {
        ...told,
        scopes: ['email', 'groups', 'offline_access'],
        redirect: ['http://localhost:12345', 'http://localhost'],
        ca: '/home/me/ca.pem',
        within: '60s',
      },
      clientSecret: 's3cret',
      authorities: undefined,
      caches: ['~/.cache/tokens'],
      obstacles: [],
      changes: [],
    })
  })

  test.each([
    ['--grant-type=password', /^--grant-type=password: /],
    ['--grant-type=client-credentials', /^--grant-type=client-credentials: /],
    ['--username=me', /^--username: /],
    ['--insecure-skip-tls-verify', /^--insecure-skip-tls-verify: /],
    ['--oidc-use-access-token', /^--oidc-use-access-token: /],
    ['--oidc-auth-request-extra-params=audience=x', /^--oidc-auth-request-extra-params: /],
    ['--oidc-redirect-url=https://elsewhere.example/back', /another place than a port/],
    ['--local-server-cert=c.pem', /^--local-server-cert: /],
    ['--certificate-authority=ca.pem', /no whole path/],
    ['--a-flag-of-tomorrow=s3cret', /^--a-flag-of-tomorrow is not known$/],
  ])('with %s can’t be taken over, and the reason is said', (flag, reason) => {
    expect(kubelogin(flag)?.obstacles).toEqual([expect.stringMatching(reason)])
  })

  test('a switch that is off asks for nothing', () => {
    expect(kubelogin('--insecure-skip-tls-verify=false')?.obstacles).toEqual([])
  })

  test('behind a proxy of its own can’t be taken over', () => {
    const env = [{ name: 'HTTPS_PROXY', value: 'http://user:s3cret@proxy:3128' }]
    const known = readKubelogin(exec('kubelogin', ['get-token', ...flags], env))
    expect(known?.obstacles).toEqual(['HTTPS_PROXY: the provider is spoken to without a proxy'])
  })

  test.each([
    [['--token-cache-storage=keyring'], []],
    [['--token-cache-dir=/elsewhere/x'], []],
    [['--token-cache-dir=/home/me/.cache/x'], ['~/.cache/x']],
    [['--token-cache-dir=~/../x/y'], []],
    [['--token-cache-dir=~/.cache'], []],
    [['--token-cache-dir=~/a*/b'], []],
  ])('%j: of its cache only a folder below the home is wiped', (more, caches) => {
    expect(kubelogin(...more)?.caches).toEqual(caches)
  })

  test('the last of several counts, and another client is another log-in', () => {
    const unlock = [{ factor: 'oidc', ...told }]
    const isDoneBy = (rules: readonly { factor: string }[], ...args: string[]) => {
      const known = knownToFactor(exec('kubelogin', ['get-token', ...flags, ...args]))
      return known !== undefined && settingsFor(rules, known) !== undefined
    }
    expect(isDoneBy(unlock)).toBe(true)
    expect(isDoneBy(unlock, '--oidc-client-id=grafana')).toBe(false)
    expect(isDoneBy([{ factor: 'passphrase' }])).toBe(false)
  })
})

describe('kubectl’s own auth provider', () => {
  const config = {
    'idp-issuer-url': told.issuer,
    'client-id': told.clientId,
    'client-secret': 's3cret',
    'extra-scopes': 'email,groups',
    'idp-certificate-authority-data': 'UEVN',
    'id-token': 'i',
    'refresh-token': 'r',
  }

  test('says who the provider is; its tokens are no part of it', () => {
    const known = readAuthProvider({ by: 'auth-provider', name: 'oidc', config })
    expect(known).toMatchObject({
      settings: { ...told, scopes: ['email', 'groups'] },
      clientSecret: 's3cret',
      authorities: 'UEVN',
      obstacles: [],
      changes: [expect.stringContaining('oidc.redirect'), expect.stringContaining('are not kept')],
    })
  })

  test('of another name is none', () => {
    expect(readAuthProvider({ by: 'auth-provider', name: 'gcp', config })).toBeUndefined()
  })
})
