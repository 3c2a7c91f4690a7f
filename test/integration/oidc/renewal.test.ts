import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { listenFor } from '../../../src/factors/oidc/client/redirect.ts'
import { logIn } from '../../../src/factors/oidc/keeper/log-in.ts'
import { findProvider } from '../../../src/factors/oidc/keeper/provider.ts'
import { ProviderHoldings } from '../../../src/factors/oidc/keeper/provider-holdings.ts'
import type { OidcSettings } from '../../../src/factors/oidc/settings.ts'
import { readQuestion, write } from '../../../src/factors/oidc/settings/dialogue.ts'
import { Browser } from '../../fixtures/browser.ts'
import { makeHome } from '../../fixtures/home.ts'
import { clientId, IdentityProvider } from '../../fixtures/identity-provider.ts'
import { freePort } from '../../fixtures/oidc-home.ts'
import { until } from '../../fixtures/terminal.ts'

afterAll(() => setDefaultCACertificates(getCACertificates('bundled')))

type Way = 'browser' | 'device'

/** What a session holds after a log-in at the real provider. */
async function loggedIn({
  scopes,
  way = 'browser',
  idTokenSeconds,
  requireAuthTime = false,
}: {
  scopes: string[]
  way?: Way
  idTokenSeconds: number
  requireAuthTime?: boolean
}) {
  const home = makeHome()
  onTestFinished(() => home.dispose())
  const address = `http://localhost:${await freePort()}`
  const provider = await IdentityProvider.start({ redirect: [address], idTokenSeconds, requireAuthTime })
  onTestFinished(() => provider[Symbol.asyncDispose]())
  const ca = join(home.home, 'ca.pem')
  writeFileSync(ca, provider.caPem)
  const settings: OidcSettings = {
    factor: 'oidc',
    issuer: provider.issuer,
    clientId,
    scopes,
    redirect: [address],
    ca,
    withinMs: 60_000,
  }
  const found = await findProvider(settings)
  const redirect = await listenFor([address])
  onTestFinished(() => redirect.close())
  const browser = new Browser(provider.caPem)
  const tokens = await logIn(found, settings, {
    gone: new AbortController().signal,
    ask: async (bytes) => {
      const question = readQuestion(bytes)
      if (question.ask === 'way')
        return write(way === 'browser' ? { way, redirect: redirect.address } : { way })
      if (question.ask === 'device') {
        void browser.logIn(question.whole ?? question.page, 'alice')
        return write({ shown: true })
      }
      const came = redirect.await(question.address, 60_000)
      await browser.logIn(redirect.start, 'alice')
      return write({ came: await came })
    },
  })
  return { provider, tokens, holdings: new ProviderHoldings(found, 'corp', tokens, undefined) }
}

test('a code that is typed on another device logs in as well', async () => {
  const { tokens, holdings } = await loggedIn({
    scopes: [],
    way: 'device',
    idTokenSeconds: 600,
    requireAuthTime: true,
  })
  expect(tokens.claims.sub).toBe('alice')
  expect((await holdings.item('corp.given')).token).toBe(tokens.idToken)
  await expect(holdings.item('corp.me-0011aabb')).rejects.toThrow(/does not hold/)
  expect(holdings.items).toEqual([])
})

test('a code for another device is not enough where the provider does not say when the log-in was', async () => {
  const log = loggedIn({ scopes: [], way: 'device', idTokenSeconds: 600 })
  await expect(log).rejects.toThrow(/does not say when you logged in/)
})

test('a token that is about to end is renewed when somebody asks, once for all who do', async () => {
  const { provider, tokens, holdings } = await loggedIn({ scopes: ['offline_access'], idTokenSeconds: 10 })
  const before = provider.asked.get('/token')
  let given: (string | undefined)[] = []
  await until('another token', async () => {
    given = await Promise.all([1, 2, 3, 4].map(async () => (await holdings.item('corp.given')).token))
    return given[0] !== tokens.idToken
  })
  expect(new Set(given).size).toBe(1)
  expect(provider.userOf(String(given[0]))).toBe('alice')
  expect(provider.asked.get('/token')).toBe((before ?? 0) + 1)
})

test('without a refresh token the credential ends with the token, and it is said why', async () => {
  const { holdings } = await loggedIn({ scopes: [], idTokenSeconds: 2 })
  let why = ''
  await until('the end of the token', async () => {
    why = await holdings.item('corp.given').then(
      () => '',
      (error: Error) => error.message,
    )
    return why !== ''
  })
  expect(why).toMatch(/has expired, and the provider gave no refresh token/)
})
