import * as oidc from 'openid-client'
import { GuardError } from '../../../domain/errors.ts'
import type { Proving } from '../../../keeper/factor.ts'
import type { OidcSettings } from '../settings.ts'
import { readAnswer, write } from '../settings/dialogue.ts'
import type { Question } from '../settings/dialogue.ts'
import { isAllowed } from '../settings/loopback.ts'
import { providerFailure } from './failure.ts'
import type { Provider } from './provider.ts'
import { checkFresh, tokensFrom } from './tokens.ts'
import type { Tokens } from './tokens.ts'

type Ask = Proving['ask']
type Asker = Pick<Proving, 'ask' | 'gone'>

/** For what is no person's work. */
const promptlyMs = 30_000

/** @throws GuardError provider-refused, provider-unreachable, unlock-cancelled */
export async function logIn(provider: Provider, settings: OidcSettings, asker: Asker): Promise<Tokens> {
  const { ask } = asker
  const hasDevice = provider.config.serverMetadata().device_authorization_endpoint !== undefined
  const { redirect, withinMs } = settings
  const answer = await put(ask, { ask: 'way', redirect, hasDevice, withinMs }, promptlyMs)
  const begunMs = Date.now()
  try {
    if (answer?.way === 'browser' && typeof answer.redirect === 'string')
      return await withBrowser(provider, answer.redirect, ask, begunMs)
    if (answer?.way === 'device' && hasDevice) return await withDevice(provider, asker, begunMs)
  } catch (error) {
    throw providerFailure(error, settings.issuer)
  }
  throw new GuardError('protocol-error', 'that is no way to log in')
}

/** Authorization code with PKCE (RFC 7636). The code alone, whoever reads it on the way, is worth nothing. */
async function withBrowser(provider: Provider, redirect: string, ask: Ask, begunMs: number): Promise<Tokens> {
  const { config, settings } = provider
  if (!isAllowed(redirect, settings.redirect))
    throw new GuardError('protocol-error', 'that is no redirect of ours')
  const verifier = oidc.randomPKCECodeVerifier()
  const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
  const address = oidc.buildAuthorizationUrl(config, {
    ...asked(settings),
    redirect_uri: redirect,
    response_type: 'code',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }).href
  const answer = await put(ask, { ask: 'browser', address, redirect }, settings.withinMs + promptlyMs)
  const came = cameTo(answer?.came, redirect)
  // The library makes the redirect anew from where the browser came to, and adds a slash that was not registered.
  config[oidc.customFetch] = (url, options) => {
    if (options.body instanceof URLSearchParams && options.body.has('redirect_uri'))
      options.body.set('redirect_uri', redirect)
    return fetch(url, options as RequestInit)
  }
  const response = await oidc.authorizationCodeGrant(config, came, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
    // `max_age=0` would count the time that the way back takes: what counts is that the log-in was begun for this.
    maxAge: Math.ceil((Date.now() - begunMs) / 1_000),
  })
  checkFresh(response, begunMs)
  return tokensFrom(response)
}

/** A new log-in, whatever the browser remembers. A refresh token has to be consented to (OpenID Connect Core 1.0, 11). */
function asked({ scopes }: OidcSettings): { scope: string; prompt: string; max_age: string } {
  const prompt = scopes.includes('offline_access') ? 'login consent' : 'login'
  return { scope: ['openid', ...scopes].join(' '), prompt, max_age: '0' }
}

/** Only what came after the redirect is of interest; where the browser came to is the client's word. */
function cameTo(came: unknown, redirect: string): URL {
  const at = typeof came === 'string' ? came.indexOf('?') : -1
  const { href } = new URL(redirect)
  if (typeof came === 'string' && at > 0 && hrefOf(came.slice(0, at)) === href)
    return new URL(`${href}${came.slice(at)}`)
  throw new GuardError('provider-refused', 'the browser came back to another address than it was told to')
}

const hrefOf = (place: string): string | undefined => (URL.canParse(place) ? new URL(place).href : undefined)

/** Device authorization (RFC 8628): there is no nonce, and no redirect that could be caught. */
async function withDevice(provider: Provider, { ask, gone }: Asker, begunMs: number): Promise<Tokens> {
  const { config, settings } = provider
  const begun = await oidc.initiateDeviceAuthorization(config, asked(settings))
  const { user_code: code, verification_uri: page, verification_uri_complete: whole } = begun
  await put(ask, { ask: 'device', code, page, whole }, settings.withinMs)
  const signal = AbortSignal.any([gone, AbortSignal.timeout(settings.withinMs)])
  const response = await oidc
    .pollDeviceAuthorizationGrant(config, begun, undefined, { signal })
    .catch((error: unknown) => {
      throw signal.aborted ? new GuardError('unlock-cancelled', 'nobody logged in in time') : error
    })
  checkFresh(response, begunMs)
  return tokensFrom(response)
}

async function put(ask: Ask, question: Question, withinMs: number): Promise<ReturnType<typeof readAnswer>> {
  const bytes = await ask(write(question), withinMs)
  try {
    return readAnswer(bytes)
  } finally {
    bytes.fill(0)
  }
}
