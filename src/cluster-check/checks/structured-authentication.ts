import type { ProgramFlags } from '../control-plane.ts'
import { isSet, needsFlags } from '../control-plane.ts'
import type { Notes } from '../report.ts'

const what = 'a lifetime rule of structured authentication'

/** What of an AuthenticationConfiguration matters here. */
export interface Authenticator {
  readonly issuer: string
  /** CEL, of claimValidationRules. */
  readonly expressions: readonly string[]
}

/**
 * The file is on the control plane’s disk, where no API leads: whoever has it can name it.
 *
 * @param authenticators of the file that was named; undefined where none was
 */
export function checkStructuredAuthentication(
  notes: Notes,
  flags: ProgramFlags | undefined,
  authenticators: readonly Authenticator[] | undefined,
): void {
  for (const { issuer, expressions } of authenticators ?? [])
    if (!expressions.some(limitsLifetime))
      notes.found(
        'jwt-without-lifetime',
        { kind: 'issuer', name: issuer },
        'no claimValidationRules expression bounds claims.exp by claims.iat or claims.nbf',
      )
  if (flags === undefined) {
    if (authenticators === undefined) notes.unseen(what, needsFlags)
    return
  }
  for (const server of flags.servers) {
    const issuer = server.get('oidc-issuer-url')
    if (isSet(server, 'oidc-issuer-url'))
      notes.found('oidc-flags', { kind: 'flag', name: 'oidc-issuer-url' }, `${issuer} (${flags.from})`)
    if (isSet(server, 'token-auth-file'))
      notes.found('static-token-file', { kind: 'flag', name: 'token-auth-file' }, `it is set (${flags.from})`)
    if (isSet(server, 'authentication-config') && authenticators === undefined)
      notes.unseen(
        what,
        `the file ${server.get('authentication-config')} of the control plane: kubeguard cluster check --authentication-config FILE`,
      )
  }
}

/** An upper bound on the difference of end and begin, in whatever form: `claims.exp - claims.iat <= 900`. */
function limitsLifetime(expression: string): boolean {
  const span = /claims\.exp\s*-\s*claims\.(?:iat|nbf)\s*<=?\s*\d+/
  const end = /claims\.exp\s*<=?\s*claims\.(?:iat|nbf)\s*\+\s*\d+/
  const turned = /\d+\s*>=?\s*claims\.exp\s*-\s*claims\.(?:iat|nbf)/
  // What stands behind an “or” binds nobody.
  return !expression.includes('||') && [span, end, turned].some((form) => form.test(expression))
}
