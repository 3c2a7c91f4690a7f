import * as oidc from 'openid-client'
import type { Readable } from 'node:stream'
import type { RevocationOrder } from '../platform/revoker/start-revoker.ts'
import { trustAuthorities } from '../platform/trusted-authorities.ts'

/** A refresh token and its surroundings are far below this. */
const mostBytes = 256 * 1024

/**
 * Reads which token is held, until the keeper at the other end of the pipe is gone; then has the provider take back the
 * last one.
 *
 * @param atEnd the keeper is gone
 * @throws Error of the library, or of the network
 */
export async function revokeAtEnd(input: Readable, atEnd: () => void): Promise<void> {
  const order = await lastOrder(input)
  atEnd()
  if (order === undefined) return
  const { issuer, endpoint, clientId, proof, ca, token } = order
  trustAuthorities(ca)
  const server = { issuer, revocation_endpoint: endpoint }
  await oidc.tokenRevocation(
    new oidc.Configuration(server, clientId, undefined, authentication(proof)),
    token,
  )
}

function authentication(proof: RevocationOrder['proof']): oidc.ClientAuth {
  if (proof === undefined) return oidc.None()
  return proof.goesIn === 'head' ? oidc.ClientSecretBasic(proof.secret) : oidc.ClientSecretPost(proof.secret)
}

async function lastOrder(input: Readable): Promise<RevocationOrder | undefined> {
  let order: RevocationOrder | undefined
  let rest = ''
  for await (const chunk of input) {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > mostBytes) throw Object.assign(new Error('too long'), { code: 'E2BIG' })
    for (const line of lines) order = JSON.parse(line) as RevocationOrder
  }
  return order
}
