import * as oidc from 'openid-client'
import { GuardError } from '../../../domain/errors.ts'
import { givenCredential } from '../../../domain/given-credential.ts'
import type { Holdings } from '../../../keeper/factor.ts'
import { unknownCredential } from '../../../keeper/holdings.ts'
import type { VaultItem } from '../../../platform/vault/item.ts'
import { startRevoker } from '../../../platform/revoker/start-revoker.ts'
import type { RevocationPlace, Revoker } from '../../../platform/revoker/start-revoker.ts'
import { providerFailure } from './failure.ts'
import { takesBasic } from './provider.ts'
import type { Provider } from './provider.ts'
import { tokensFrom } from './tokens.ts'
import type { Tokens } from './tokens.ts'

/** An ID token that ends sooner is renewed first, in ms; of one that lives for less than twice as long, half its life. */
const leastLeftMs = 60_000
/** After a renewal that failed the next one is tried no sooner, in ms. */
const pauseMs = 10_000

/** What an identity provider gave for one session. It is renewed here, and only when a client asks. */
export class ProviderHoldings implements Holdings {
  /** Nothing of it may ever be written down. */
  readonly items: readonly VaultItem[] = []
  readonly #provider: Provider
  readonly #policy: string
  #tokens: Tokens
  #renewal: Promise<void> | undefined
  #failedAtMs = -Infinity
  readonly #revocation: Revocation | undefined

  constructor(provider: Provider, policy: string, tokens: Tokens, revocation: Revocation | undefined) {
    this.#provider = provider
    this.#policy = policy
    this.#tokens = tokens
    this.#revocation = revocation
    this.#holdForLater()
  }

  /** @throws GuardError credential-unknown, credential-expired */
  async item(credential: string): Promise<VaultItem> {
    if (credential !== givenCredential(this.#policy)) throw unknownCredential(credential)
    if (this.#isAging()) await (this.#renewal ??= this.#renew().finally(() => (this.#renewal = undefined)))
    const { idToken, claims } = this.#tokens
    if (claims.exp * 1_000 <= Date.now()) throw this.#expired()
    return {
      id: credential,
      policy: this.#policy,
      file: '',
      user: claims.sub,
      contexts: [],
      token: idToken,
      original: undefined,
      adoptedAtMs: claims.iat * 1_000,
      expiresAtMs: claims.exp * 1_000,
    }
  }

  /** What the session's end makes worthless at the provider, too. */
  #holdForLater(): void {
    const token = this.#tokens.refreshToken ?? this.#tokens.accessToken
    if (this.#revocation === undefined) return
    const { revoker, place } = this.#revocation
    revoker.hold({ key: 'provider', kind: 'provider', ...place, token })
  }

  #isAging(): boolean {
    const { exp, iat } = this.#tokens.claims
    return exp * 1_000 - Date.now() < Math.min(leastLeftMs, (exp - iat) * 500)
  }

  /** What fails is tried again later: the token may be good for some moments yet. */
  async #renew(): Promise<void> {
    const { refreshToken } = this.#tokens
    if (refreshToken === undefined || performance.now() - this.#failedAtMs < pauseMs) return
    try {
      this.#tokens = await this.#renewed(refreshToken)
      this.#holdForLater()
    } catch {
      this.#failedAtMs = performance.now()
    }
  }

  /** OpenID Connect Core 1.0, 12.2: the same person, and the same log-in. */
  async #renewed(refreshToken: string): Promise<Tokens> {
    const { config, settings } = this.#provider
    const before = this.#tokens
    try {
      const tokens = tokensFrom(await oidc.refreshTokenGrant(config, refreshToken))
      const { sub, auth_time: authTime = before.claims.auth_time } = tokens.claims
      if (sub !== before.claims.sub || authTime !== before.claims.auth_time)
        throw new GuardError('provider-refused', 'the renewed ID token is of another log-in')
      return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken }
    } catch (error) {
      throw providerFailure(error, settings.issuer)
    }
  }

  #expired(): GuardError {
    const why =
      this.#tokens.refreshToken === undefined
        ? 'and the provider gave no refresh token: oidc.scopes may have to list offline_access'
        : 'and the provider does not renew it'
    return new GuardError('credential-expired', `the ID token of ${this.#policy} has expired, ${why}`, {
      cure: `run: kubeguard lock ${this.#policy}, then: kubeguard unlock ${this.#policy}`,
    })
  }
}

/** Who takes the session's token back at its end, and where. */
export interface Revocation {
  readonly revoker: Revoker
  readonly place: RevocationPlace
}

/** Undefined where the provider takes nothing back. */
export function revocationAt({ config, settings, secret }: Provider): Revocation | undefined {
  const server = config.serverMetadata()
  const { revocation_endpoint: endpoint } = server
  const { issuer, clientId, ca } = settings
  if (endpoint === undefined) return undefined
  const proof =
    secret === undefined ? undefined : ({ secret, goesIn: takesBasic(server) ? 'head' : 'body' } as const)
  return { revoker: startRevoker(), place: { issuer, endpoint, clientId, proof, ca } }
}
