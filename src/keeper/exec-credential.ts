import { X509Certificate } from 'node:crypto'
import { credentialLeaseMs } from '../domain/credential-lease.ts'
import { GuardError } from '../domain/errors.ts'
import type { VaultItem } from '../platform/vault/item.ts'

const apiVersions = {
  v1: 'client.authentication.k8s.io/v1',
  v1beta1: 'client.authentication.k8s.io/v1beta1',
} as const

/**
 * The document that client-go reads from a credential plugin. `expirationTimestamp` is always there: without
 * it a client keeps the credential for ever.
 *
 * @param apiVersion `v1` or `v1beta1`, or either with its group before it
 * @param pass given in the place of the credential
 * @throws GuardError credential-expired, protocol-error
 */
export function buildExecCredential(item: VaultItem, apiVersion: string, now: Now, pass?: string): Buffer {
  const endMs = leaseEndMs(item, now)
  return Buffer.from(
    `${JSON.stringify({
      kind: 'ExecCredential',
      apiVersion: fullVersion(apiVersion),
      spec: { interactive: false },
      status: {
        expirationTimestamp: toSeconds(endMs),
        ...(pass === undefined ? secretsOf(item) : { token: pass }),
      },
    })}\n`,
  )
}

interface Now {
  readonly wallMs: number
  /** No credential outlives the session. */
  readonly lifetimeWallMs: number
}

const secretsOf = ({ token, clientCertificateData, clientKeyData }: VaultItem): object => ({
  token,
  clientCertificateData,
  clientKeyData,
})

/** Until when a client may use what it is given now, in wall-clock ms. @throws GuardError credential-expired */
export function leaseEndMs(item: VaultItem, { wallMs, lifetimeWallMs }: Now): number {
  const ownEndMs = credentialEndMs(item)
  if (ownEndMs > wallMs) return Math.min(wallMs + credentialLeaseMs, ownEndMs, lifetimeWallMs)
  throw new GuardError('credential-expired', `the credential of ${item.user} itself has expired`)
}

function fullVersion(apiVersion: string): string {
  const short = apiVersion.replace(/^client\.authentication\.k8s\.io\//, '')
  if (short === 'v1' || short === 'v1beta1') return apiVersions[short]
  throw new GuardError('protocol-error', 'unknown version of client.authentication.k8s.io')
}

/** When the credential ends by itself, in wall-clock ms; Infinity where it does not say. */
export function credentialEndMs(item: VaultItem): number {
  const certificate = item.clientCertificateData
  return Math.min(
    item.expiresAtMs ?? Infinity,
    item.token === undefined ? Infinity : tokenEndMs(item.token),
    certificate === undefined ? Infinity : certificateEndMs(certificate),
  )
}

/** `exp` of a JWT (RFC 7519, 4.1.4); its signature is the API server's business. */
function tokenEndMs(token: string): number {
  const [, payload, signature] = token.split('.')
  if (payload === undefined || signature === undefined) return Infinity
  try {
    const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp?: unknown }
    return typeof exp === 'number' ? exp * 1000 : Infinity
  } catch {
    return Infinity
  }
}

function certificateEndMs(pem: string): number {
  try {
    return new X509Certificate(pem).validToDate.getTime()
  } catch {
    return Infinity
  }
}

/** Whole seconds, rounded down: metav1.Time is RFC 3339 without fractions. */
function toSeconds(wallMs: number): string {
  return new Date(Math.floor(wallMs / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}
