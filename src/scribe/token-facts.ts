/** What a token says of itself. Times in wall-clock ms; text is as the token has it, unchecked. */
export interface TokenFacts {
  readonly isJwt: boolean
  readonly expiresAtMs?: number
  readonly issuedAtMs?: number
  readonly issuer?: string
  readonly subject?: string
  readonly audience?: readonly string[]
  /** Of a Secret of the type kubernetes.io/service-account-token: such a token has no end. */
  readonly isLegacyServiceAccount: boolean
}

const opaque: TokenFacts = { isJwt: false, isLegacyServiceAccount: false }

/** The issuer that Kubernetes' token controller puts into the tokens of Secrets (pkg/serviceaccount/legacy.go). */
const legacyIssuer = 'kubernetes/serviceaccount'

/** Reads the claims of a JSON Web Token (RFC 7519); nothing is verified, the cluster alone could. */
export function tokenFacts(token: string): TokenFacts {
  const claims = claimsOf(token)
  if (claims === undefined) return opaque
  const { exp, iat, iss, sub, aud } = claims
  const expiresAtMs = momentOf(exp)
  const issuedAtMs = momentOf(iat)
  const audience = [aud].flat().filter((one) => typeof one === 'string')
  return {
    isJwt: true,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    ...(issuedAtMs !== undefined && { issuedAtMs }),
    ...(typeof iss === 'string' && { issuer: iss }),
    ...(typeof sub === 'string' && { subject: sub }),
    ...(audience.length > 0 && { audience }),
    isLegacyServiceAccount: iss === legacyIssuer && expiresAtMs === undefined,
  }
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString())
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** NumericDate: seconds (RFC 7519, section 2). */
function momentOf(seconds: unknown): number | undefined {
  return typeof seconds === 'number' && Number.isFinite(seconds) ? Math.floor(seconds * 1000) : undefined
}
