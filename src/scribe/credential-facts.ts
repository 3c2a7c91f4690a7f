import { createHash } from 'node:crypto'
import type { Policy } from '../domain/policy.ts'
import type { AdoptedUser, Strength } from '../protocol/reports.ts'
import { certificateFacts } from './certificate-facts.ts'
import type { Secrets } from './read-secrets.ts'
import { tokenFacts } from './token-facts.ts'

/** A token that ends within this time is worth little to whoever copied it. Five minutes for clocks apart. */
const shortLivedMs = 65 * 60_000

/**
 * When the credential ends by itself: the earlier of token and certificate, in wall-clock ms.
 *
 * @returns undefined where it does not say
 */
export function expiryOf(secrets: Secrets): number | undefined {
  const ends = [jwtExpiry(secrets.token), certificateExpiry(secrets.clientCertificateData)]
  const known = ends.filter((end) => end !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

export function kindOfSecrets(secrets: Secrets): AdoptedUser['kind'] {
  if (secrets.exec !== undefined) return 'exec-plugin'
  if (secrets.token === undefined) return 'client-certificate'
  return secrets.clientCertificateData === undefined ? 'token' : 'token-and-client-certificate'
}

/**
 * What the time limit is worth for this credential: `cluster` where a copy ends by itself soon, which
 * only a token can say; a client certificate can't be revoked, and a key beside a token lives on. What a wrapped exec
 * plugin gives has a source that a lock does not reach. With an ephemeral session, or
 * behind a gateway, nobody gets what is adopted.
 */
export function strengthOf(
  secrets: Secrets,
  nowMs: number,
  rules?: { readonly ephemeral?: Policy['ephemeral']; readonly isBehind?: boolean },
): Strength {
  if (secrets.exec !== undefined) return 'borrowed'
  if (rules?.ephemeral !== undefined || rules?.isBehind === true) return 'cluster'
  const tokenEnds = jwtExpiry(secrets.token)
  const shortLived = tokenEnds !== undefined && tokenEnds - nowMs <= shortLivedMs
  return shortLived && secrets.clientKeyData === undefined ? 'cluster' : 'local'
}

function jwtExpiry(token: string | undefined): number | undefined {
  return token === undefined ? undefined : tokenFacts(token).expiresAtMs
}

function certificateExpiry(pem: string | undefined): number | undefined {
  return pem === undefined ? undefined : certificateFacts(pem)?.endsAtMs
}

/** Names a credential for good: `<policy>.<user slug>-<8 hex>`, of the real path and the user's name. */
export function credentialId(policy: string, realPath: string, user: string): string {
  const hash = createHash('sha256').update(`${realPath}\0${user}`).digest('hex').slice(0, 8)
  return `${policy}.${slugOf(user, 'user')}-${hash}`
}

/** A name as it may stand in an id, or in a path. */
export function slugOf(name: string, otherwise: string): string {
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .slice(0, 60)
  return slug === '' ? otherwise : slug
}
