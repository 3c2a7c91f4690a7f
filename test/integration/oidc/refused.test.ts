import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GuardError } from '../../../src/domain/errors.ts'
import { logIn } from '../../../src/factors/oidc/keeper/log-in.ts'
import { findProvider } from '../../../src/factors/oidc/keeper/provider.ts'
import type { OidcSettings } from '../../../src/factors/oidc/settings.ts'
import { readQuestion, write } from '../../../src/factors/oidc/settings/dialogue.ts'
import { HostileProvider, makeJwt, newKey } from '../../fixtures/hostile-provider.ts'

const folder = mkdtempSync(join(tmpdir(), 'kg-oidc-'))
const redirect = 'http://localhost:8000'
const otherKey = newKey()
let provider: HostileProvider
let settings: OidcSettings

beforeAll(async () => {
  const other = await HostileProvider.start()
  writeFileSync(join(folder, 'other.pem'), other.caPem)
  await other[Symbol.asyncDispose]()
})
beforeEach(async () => {
  provider = await HostileProvider.start()
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, provider.caPem)
  const { issuer } = provider
  settings = {
    factor: 'oidc',
    issuer,
    clientId: 'kubernetes',
    scopes: [],
    redirect: [redirect],
    ca,
    withinMs: 60_000,
  }
})
afterEach(() => provider[Symbol.asyncDispose]())
afterAll(() => {
  setDefaultCACertificates(getCACertificates('bundled'))
  rmSync(folder, { recursive: true })
})

type Claims = Record<string, unknown>

interface Forgery {
  /** What the token says that an honest one would not. */
  readonly claims?: (honest: Claims) => Claims
  readonly token?: (claims: Claims) => string | undefined
  /** Where the browser comes back to. */
  readonly came?: (query: URLSearchParams) => string
}

const now = (): number => Math.floor(Date.now() / 1_000)

/** @returns what came of a log-in at this provider: whose it is, or why it is refused. */
async function attempt({ claims, token, came }: Forgery = {}): Promise<string> {
  try {
    const found = await findProvider(settings, 2)
    const tokens = await logIn(found, settings, {
      gone: new AbortController().signal,
      ask: async (bytes) => {
        const question = readQuestion(bytes)
        if (question.ask !== 'browser') return write({ way: 'browser', redirect })
        const { searchParams } = new URL(question.address)
        const honest = {
          iss: provider.issuer,
          aud: 'kubernetes',
          sub: 'alice',
          nonce: searchParams.get('nonce'),
          iat: now(),
          exp: now() + 300,
          auth_time: now(),
        }
        const said = claims?.(honest) ?? honest
        const idToken = token === undefined ? makeJwt(said, provider.key) : token(said)
        provider.answer = {
          access_token: 'x',
          token_type: 'bearer',
          ...(idToken && { id_token: idToken }),
          ...provider.answer,
        }
        const query = new URLSearchParams({
          code: 'the-code',
          state: searchParams.get('state') ?? '',
          iss: provider.issuer,
        })
        return write({ came: came?.(query) ?? `${redirect}/?${query}` })
      },
    })
    return tokens.claims.sub
  } catch (error) {
    const { code, message } = error as GuardError
    expect(message).not.toMatch(/the-code|eyJ/)
    return `${code}: ${message}`
  }
}

test('the same provider without a lie is believed', async () => {
  expect(await attempt()).toBe('alice')
})

describe('an ID token', () => {
  const cases: readonly (readonly [what: string, forgery: Forgery, why: RegExp])[] = [
    [
      'that is signed by nobody',
      { token: (said) => makeJwt(said, provider.key, { alg: 'none' }) },
      /can’t be trusted|not right/,
    ],
    [
      'that is signed with the public key for a secret',
      { token: (said) => makeJwt(said, provider.key, { alg: 'HS256', kid: 'one' }) },
      /can’t be trusted|not right/,
    ],
    ['that is signed by somebody else', { token: (said) => makeJwt(said, otherKey) }, /^provider-refused/],
    [
      'that is signed by a key that nobody knows',
      { token: (said) => makeJwt(said, otherKey, { alg: 'RS256', kid: 'two' }) },
      /a key that is not the provider’s/,
    ],
    [
      'that was changed after it was signed',
      {
        token: (said) =>
          makeJwt(said, provider.key).replace(
            /\.[^.]+\./,
            `.${Buffer.from(JSON.stringify({ ...said, sub: 'root' })).toString('base64url')}.`,
          ),
      },
      /^provider-refused/,
    ],
    ['that is no token', { token: () => 'nonsense' }, /^provider-refused/],
    ['that is not there', { token: () => undefined }, /^provider-refused/],
    ['for another log-in', { claims: (said) => ({ ...said, nonce: 'another' }) }, /nonce/],
    ['for no log-in', { claims: (said) => ({ ...said, nonce: undefined }) }, /nonce/],
    [
      'of another issuer',
      { claims: (said) => ({ ...said, iss: 'https://elsewhere.example' }) },
      /another issuer/,
    ],
    ['for another client', { claims: (said) => ({ ...said, aud: 'grafana' }) }, /another client/],
    [
      'for others, too, and theirs',
      { claims: (said) => ({ ...said, aud: ['kubernetes', 'grafana'], azp: 'grafana' }) },
      /another client/,
    ],
    ['that has expired', { claims: (said) => ({ ...said, exp: now() - 60 }) }, /expired/],
    ['that never ends', { claims: (said) => ({ ...said, exp: undefined }) }, /^provider-refused/],
    [
      'of the future',
      { claims: (said) => ({ ...said, iat: now() + 3_600, exp: now() + 7_200 }) },
      /of the future.*clocks/,
    ],
    [
      'of an earlier log-in',
      { claims: (said) => ({ ...said, auth_time: now() - 3_600 }) },
      /not a fresh one/,
    ],
    ['of a later log-in', { claims: (said) => ({ ...said, auth_time: now() + 3_600 }) }, /of the future/],
    [
      'that does not say when the log-in was',
      { claims: (said) => ({ ...said, auth_time: undefined }) },
      /auth_time/,
    ],
    ['of nobody', { claims: (said) => ({ ...said, sub: undefined }) }, /^provider-refused/],
  ]
  test.each(cases)('%s is refused', async (_, forgery, why) => {
    expect(await attempt(forgery)).toMatch(why)
  })
})

describe('what the browser comes back with', () => {
  const cases: readonly (readonly [what: string, came: Forgery['came'], why: RegExp])[] = [
    [
      'for another state',
      (query) => (query.set('state', 'another'), `${redirect}/?${query}`),
      /^provider-refused/,
    ],
    ['without a state', (query) => (query.delete('state'), `${redirect}/?${query}`), /^provider-refused/],
    [
      'from another provider',
      (query) => (query.set('iss', 'https://elsewhere.example'), `${redirect}/?${query}`),
      /^provider-refused/,
    ],
    [
      'without saying from whom',
      (query) => (query.delete('iss'), `${redirect}/?${query}`),
      /^provider-refused/,
    ],
    ['without a code', (query) => (query.delete('code'), `${redirect}/?${query}`), /^provider-refused/],
    ['at another address', (query) => `http://localhost:8001/?${query}`, /another address/],
    ['at no address', () => 'nonsense', /another address/],
    [
      'and a no',
      (query) => (query.delete('code'), query.set('error', 'access_denied'), `${redirect}/?${query}`),
      /^unlock-cancelled: the log-in was refused at the provider/,
    ],
  ]
  test.each(cases)('%s is refused', async (_, came, why) => {
    expect(await attempt({ ...(came && { came }) })).toMatch(why)
  })
})

describe('a provider that', () => {
  test('says that it is another is refused', async () => {
    provider.metadata['issuer'] = 'https://elsewhere.example'
    expect(await attempt()).toMatch(/another issuer/)
  })

  test('has an endpoint without TLS is refused', async () => {
    provider.metadata['token_endpoint'] = provider.issuer.replace('https', 'http')
    expect(await attempt()).toMatch(/without TLS/)
  })

  test('signs with secrets only is refused', async () => {
    provider.metadata['id_token_signing_alg_values_supported'] = ['HS256', 'none']
    expect(await attempt()).toMatch(/no algorithm that can be trusted/)
  })

  test('refuses the code is quoted, without control characters', async () => {
    provider.status = 400
    provider.answer = { error: 'invalid_grant', error_description: 'no \u001B[31m such code' }
    expect(await attempt()).toMatch(/saying invalid_grant: no  ?\[31m such code$/)
  })

  test('another authority vouches for is not spoken to', async () => {
    settings = { ...settings, ca: join(folder, 'other.pem') }
    expect(await attempt()).toMatch(/^provider-unreachable: .*(CERT|SELF|UNABLE)/)
  })

  test('has no certificates on this machine is said to have none', async () => {
    settings = { ...settings, ca: join(folder, 'nowhere.pem') }
    expect(await attempt()).toMatch(/^policy-invalid: .*nowhere\.pem/)
  })

  test('does not answer is given up', async () => {
    provider.hangs = true
    expect(await attempt()).toMatch(/^provider-unreachable: /)
  })

  test('is down is said to be', async () => {
    await provider[Symbol.asyncDispose]()
    expect(await attempt()).toMatch(/^provider-unreachable: .*ECONNREFUSED/)
    provider = await HostileProvider.start()
  })
})
