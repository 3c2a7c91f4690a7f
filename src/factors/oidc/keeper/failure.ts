import { GuardError } from '../../../domain/errors.ts'
import { plainText } from '../../../domain/plain-text.ts'

/** What stands in an error of the library; its text is prose, and its cause may hold tokens: neither is shown. */
interface Facts {
  readonly name?: unknown
  readonly code?: unknown
  readonly error?: unknown
  readonly error_description?: unknown
  readonly claim?: unknown
  readonly message?: unknown
  readonly cause?: unknown
}

const ofClaim: Readonly<Record<string, string>> = {
  nonce: 'its ID token is not for this log-in (nonce)',
  iss: 'its ID token is of another issuer',
  aud: 'its ID token is for another client (audience)',
  azp: 'its ID token is for another client (azp)',
  exp: 'its ID token has expired already: do the clocks here and there agree?',
  nbf: 'its ID token is not valid yet: do the clocks here and there agree?',
  auth_time: 'the log-in is not a fresh one (auth_time)',
  sub: 'the new ID token is somebody else’s',
}

const ofCode: Readonly<Record<string, string>> = {
  OAUTH_KEY_SELECTION_FAILED: 'its ID token is signed by a key that is not the provider’s',
  OAUTH_UNSUPPORTED_OPERATION: 'its ID token is signed in a way that can’t be trusted',
  OAUTH_HTTP_REQUEST_FORBIDDEN: 'it has an address without TLS',
  OAUTH_MISSING_SERVER_METADATA: 'it lacks an endpoint that is needed',
  OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED:
    'it says that it is another issuer: write oidc.issuer as the provider does',
}

const unreachable = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
])

/** @returns why the provider, or what it gave, is of no use, in words of ours. */
export function providerFailure(error: unknown, issuer: string): GuardError {
  if (error instanceof GuardError) return error
  const facts = [...chain(error)]
  const said = facts.find(({ error: code }) => typeof code === 'string')
  if (said !== undefined) return refusal(String(said.error), said.error_description, issuer)
  const claim = facts.map(claimOf).find((name) => name !== undefined && Object.hasOwn(ofClaim, name))
  if (claim !== undefined) return refused(ofClaim[claim] as string, issuer)
  const codes = facts.flatMap(({ code }) => (typeof code === 'string' ? [code] : []))
  const known = codes.find((code) => Object.hasOwn(ofCode, code))
  if (known !== undefined) return refused(ofCode[known] as string, issuer)
  const network = codes.findLast((code) => /^(E[A-Z_]+|CERT_|UND_ERR|UNABLE_|DEPTH_|SELF_)/.test(code))
  if (network !== undefined || codes.some((code) => unreachable.has(code)))
    return new GuardError(
      'provider-unreachable',
      `${issuer} can’t be reached: ${network ?? codes[0] ?? 'no answer'}`,
    )
  return refused(`what it answered is not right (${codes[0] ?? 'unknown'})`, issuer)
}

function* chain(error: unknown): Iterable<Facts> {
  let at = error
  for (let depth = 0; depth < 8 && typeof at === 'object' && at !== null; depth += 1) {
    yield at as Facts
    at = (at as Facts).cause
  }
}

/** A claim that is missing is told by the message alone: JWT "nonce" (nonce) claim missing. */
function claimOf({ claim, message }: Facts): string | undefined {
  if (typeof claim === 'string') return claim
  return typeof message === 'string'
    ? /^(?:unexpected )?(?:ID Token|JWT) "(\w+)"/.exec(message)?.[1]
    : undefined
}

const refused = (why: string, issuer: string): GuardError =>
  new GuardError('provider-refused', `${issuer}: ${why}`)

/** RFC 6749, 4.1.2.1 and 5.2. */
function refusal(code: string, description: unknown, issuer: string): GuardError {
  if (code === 'access_denied')
    return new GuardError('unlock-cancelled', 'the log-in was refused at the provider')
  if (code === 'expired_token') return new GuardError('unlock-cancelled', 'nobody logged in in time')
  const more = typeof description === 'string' ? `: ${plainText(description, 200)}` : ''
  return refused(`it refuses, saying ${plainText(code, 60)}${more}`, issuer)
}
