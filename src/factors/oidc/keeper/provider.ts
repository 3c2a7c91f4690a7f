import * as oidc from 'openid-client'
import { GuardError } from '../../../domain/errors.ts'
import { trustAuthorities } from '../../../platform/trusted-authorities.ts'
import type { OidcSettings } from '../settings.ts'
import { clientSecret } from './client-secret.ts'
import { providerFailure } from './failure.ts'

/** An identity provider that has answered, with what it says of itself. */
export interface Provider {
  readonly config: oidc.Configuration
  readonly settings: OidcSettings
  /** What the provider gave this client to prove itself by, beside the person; a public client has none. */
  readonly secret: string | undefined
}

/** For each request; in seconds, as the library has it. */
const timeoutSeconds = 10

/**
 * Signatures that only the provider can make, and that the API server takes (apiserver, oidc.go: allowedSigningAlgs,
 * without the library's EdDSA): never `none`, never one whose key the client knows, too.
 */
const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']

/**
 * Asks the provider for its endpoints and keys, over TLS alone.
 * @throws GuardError provider-unreachable, provider-refused, policy-invalid
 */
export async function findProvider(settings: OidcSettings, timeout = timeoutSeconds): Promise<Provider> {
  // The keeper of such a session speaks to nobody else.
  trustAuthorities(settings.ca)
  const secret = clientSecret(settings)
  try {
    const { issuer, clientId } = settings
    const config = await oidc.discovery(new URL(issuer), clientId, undefined, authentication(secret), {
      timeout,
      execute: [oidc.enableNonRepudiationChecks],
    })
    config.timeout = timeout
    const advertised = config.serverMetadata().id_token_signing_alg_values_supported ?? ['RS256']
    if (!advertised.some((name) => algorithms.includes(name)))
      throw new GuardError('provider-refused', 'the provider signs with no algorithm that can be trusted')
    return { config, settings, secret }
  } catch (error) {
    throw providerFailure(error, settings.issuer)
  }
}

/**
 * How this client proves itself. Of the two ways to give a secret the one in the head goes first: it is what holds where
 * a provider names none (OpenID Connect Discovery 1.0, 3: token_endpoint_auth_methods_supported).
 */
function authentication(secret: string | undefined): oidc.ClientAuth {
  if (secret === undefined) return oidc.None()
  return (server, ...request) =>
    (takesBasic(server) ? oidc.ClientSecretBasic(secret) : oidc.ClientSecretPost(secret))(server, ...request)
}

export function takesBasic(server: Readonly<oidc.ServerMetadata>): boolean {
  const methods = server.token_endpoint_auth_methods_supported ?? []
  return methods.includes('client_secret_basic') || !methods.includes('client_secret_post')
}

/** How an ID token is signed, from its head; the library has checked the signature by then. */
export function hasTrustedAlgorithm(idToken: string): boolean {
  try {
    const head = JSON.parse(Buffer.from(idToken.split('.')[0] ?? '', 'base64url').toString()) as {
      alg?: unknown
    }
    return typeof head.alg === 'string' && algorithms.includes(head.alg)
  } catch {
    return false
  }
}
