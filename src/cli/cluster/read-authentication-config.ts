import { readFileSync, statSync } from 'node:fs'
import { parseDocument } from 'yaml'
import type { Authenticator } from '../../cluster-check/checks/structured-authentication.ts'
import { GuardError } from '../../domain/errors.ts'

const mostBytes = 1024 * 1024

interface AuthenticationConfiguration {
  readonly kind?: unknown
  readonly jwt?: readonly {
    readonly issuer?: { readonly url?: unknown }
    readonly claimValidationRules?: readonly { readonly expression?: unknown }[]
  }[]
}

/**
 * What an API server is told by --authentication-config (apiserver.config.k8s.io).
 * @throws GuardError `usage` with file, line and column
 */
export function readAuthenticationConfig(file: string): Authenticator[] {
  const document = parseDocument(textOf(file))
  const [mistake] = document.errors
  if (mistake !== undefined) {
    const { line, col } = mistake.linePos?.[0] ?? { line: 1, col: 1 }
    throw unusable(`${file}:${line}:${col}: ${mistake.message.split('\n')[0]?.replace(/ at line.*/, '')}`)
  }
  const config = document.toJS() as AuthenticationConfiguration | null
  if (config?.kind !== 'AuthenticationConfiguration' || !Array.isArray(config.jwt ?? []))
    throw unusable(`${file}: its kind is not AuthenticationConfiguration`)
  return (config.jwt ?? []).map(({ issuer, claimValidationRules = [] }) => ({
    issuer: String(issuer?.url ?? 'without a url'),
    expressions: claimValidationRules.map(({ expression }) => String(expression ?? '')),
  }))
}

function textOf(file: string): string {
  try {
    if (statSync(file).size <= mostBytes) return readFileSync(file, 'utf8')
  } catch (cause) {
    throw unusable(`${file} can’t be read: ${(cause as NodeJS.ErrnoException).code}`)
  }
  throw unusable(`${file} is longer than ${mostBytes} bytes`)
}

const unusable = (message: string): GuardError =>
  new GuardError('usage', message, { cure: 'name the file of the API server’s --authentication-config' })
