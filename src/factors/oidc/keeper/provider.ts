import * as oidc from 'openid-client'
import { GuardError } from '../../../domain/errors.ts'
import { trustAuthorities } from '../../../platform/trusted-authorities.ts'
import type { OidcSettings } from '../settings.ts'
import { providerFailure } from './failure.ts'

/** An identity provider that has answered, with what it says of itself. */
export interface Provider {
  readonly config: oidc.Configuration
  readonly settings: OidcSettings
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
  try {
    const config = await oidc.discovery(new URL(settings.issuer), settings.clientId, undefined, oidc.None(), {
      timeout,
      execute: [oidc.enableNonRepudiationChecks],
    })
    config.timeout = timeout
    const advertised = config.serverMetadata().id_token_signing_alg_values_supported ?? ['RS256']
    if (!advertised.some((name) => algorithms.includes(name)))
      throw new GuardError('provider-refused', 'the provider signs with no algorithm that can be trusted')
    return { config, settings }
  } catch (error) {
    throw providerFailure(error, settings.issuer)
  }
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
