import { GuardError } from '../../../domain/errors.ts'
import { readOwnFile } from '../../../platform/own-files.ts'
import type { OidcSettings } from '../settings.ts'

const mostBytes = 4_096

/**
 * The secret that the provider gave this client. It names a program and not a person (RFC 8252, 8.5): nobody is
 * logged in by it, so it may lie in a file of the account's own, where the keeper alone reads it.
 *
 * @returns undefined for a public client, which has none
 * @throws GuardError policy-invalid where the file has none, or others could have read or written it
 */
export function clientSecret({ clientSecretFile: file }: OidcSettings): string | undefined {
  if (file === undefined) return undefined
  const secret = textOf(file)?.replace(/\r?\n$/, '')
  if (secret !== undefined && /^[^\p{Cc}]+$/u.test(secret)) return secret
  throw unusable(`${file} ${secret === undefined ? 'is not there' : 'holds no client secret'}`)
}

function textOf(file: string): string | undefined {
  try {
    return readOwnFile(file, mostBytes)?.toString()
  } catch (cause) {
    const why = cause instanceof GuardError ? cause.message : `${file} can’t be read`
    throw unusable(why, cause)
  }
}

const unusable = (why: string, cause?: unknown): GuardError =>
  new GuardError('policy-invalid', `the client secret of the provider can’t be used: ${why}`, {
    cure: 'let oidc.clientSecretFile in the policy file name a file with nothing else in it, yours alone (chmod 600)',
    cause,
  })
