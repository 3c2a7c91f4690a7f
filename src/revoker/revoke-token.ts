import * as oidc from 'openid-client'
import type { ProviderRevocation } from '../platform/revoker/start-revoker.ts'
import { trustAuthorities } from '../platform/trusted-authorities.ts'

/** From the lock on it may take so long. */
const longestMs = 5_000

/** Has the provider take the token back. @throws Error of the library, of the network, or ETIMEDOUT */
export async function revokeToken(order: ProviderRevocation): Promise<void> {
  const { issuer, endpoint, clientId, proof, ca, token } = order
  trustAuthorities(ca)
  const server = { issuer, revocation_endpoint: endpoint }
  const config = new oidc.Configuration(server, clientId, undefined, authentication(proof))
  const late = Promise.withResolvers<never>()
  setTimeout(
    () => late.reject(Object.assign(new Error('too late'), { code: 'ETIMEDOUT' })),
    longestMs,
  ).unref()
  await Promise.race([oidc.tokenRevocation(config, token), late.promise])
}

function authentication(proof: ProviderRevocation['proof']): oidc.ClientAuth {
  if (proof === undefined) return oidc.None()
  return proof.goesIn === 'head' ? oidc.ClientSecretBasic(proof.secret) : oidc.ClientSecretPost(proof.secret)
}
