import type { IDToken, TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client'
import { GuardError } from '../../../domain/errors.ts'
import { hasTrustedAlgorithm } from './provider.ts'

/** What a provider has given: the ID token is the cluster's credential. */
export interface Tokens {
  readonly idToken: string
  readonly refreshToken: string | undefined
  readonly accessToken: string
  readonly claims: IDToken
}

export type Response = TokenEndpointResponse & TokenEndpointResponseHelpers

/** How much the provider's clock may differ from ours, in seconds; the library grants as much. */
const skewSeconds = 30

/** The response's signature, issuer, audience and end were checked by the library. @throws GuardError provider-refused */
export function tokensFrom(response: Response): Tokens {
  const { id_token: idToken, refresh_token: refreshToken, access_token: accessToken } = response
  const claims = response.claims()
  if (idToken === undefined || claims === undefined)
    throw new GuardError('provider-refused', 'the provider gave no ID token', {
      cure: 'ask who runs it whether this client may have the scope openid',
    })
  if (!hasTrustedAlgorithm(idToken))
    throw new GuardError('provider-refused', 'its ID token is signed in a way that can’t be trusted')
  if (claims.iat > Date.now() / 1_000 + skewSeconds)
    throw new GuardError(
      'provider-refused',
      'its ID token is of the future: do the clocks here and there agree?',
    )
  return { idToken, refreshToken, accessToken, claims }
}

/**
 * Was somebody asked who he is, for this attempt?
 * @throws GuardError provider-refused
 */
export function checkFresh(response: Response, begunMs: number): void {
  const { auth_time: authTime } = response.claims() ?? {}
  if (typeof authTime !== 'number')
    throw new GuardError('provider-refused', 'the provider does not say when you logged in (auth_time)', {
      cure: 'ask who runs it to put auth_time into ID tokens of this client',
    })
  const nowSeconds = Date.now() / 1_000
  if (authTime < begunMs / 1_000 - skewSeconds)
    throw new GuardError('provider-refused', 'the log-in is not a fresh one (auth_time)')
  if (authTime > nowSeconds + skewSeconds)
    throw new GuardError(
      'provider-refused',
      'the log-in is of the future (auth_time): do the clocks here and there agree?',
    )
}
