import type { ForeignLogIn } from '../domain/foreign-log-in.ts'
import { knownToFactor } from '../domain/policy-unlock.ts'
import type { KnownToFactor } from '../domain/policy-unlock.ts'
import { accountHome } from '../platform/dirs.ts'
import { secretFields } from '../platform/kubeconfig/classify-user.ts'
import type { UserKind } from '../platform/kubeconfig/classify-user.ts'
import { fieldValue } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { Kubeconfig, UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { readExec } from './read-exec.ts'

/** The log-in of a user that has nothing else to prove itself by, where one of our factors can do the same. */
export function logInOf(config: Kubeconfig, user: UserEntry, kind: UserKind): KnownToFactor | undefined {
  if (kind.ours !== undefined || secretFields.some((name) => user.fields.has(name))) return undefined
  const found = kind.kind === 'exec' ? byExec(config, user) : authProviderOf(config, user, kind)
  return found === undefined ? undefined : knownToFactor(found)
}

function byExec(config: Kubeconfig, user: UserEntry): ForeignLogIn | undefined {
  const read = readExec(config, user)
  if ('problem' in read) return undefined
  const { command, args, env } = read.exec
  return { by: 'exec', command, args, env, home: accountHome() }
}

/** kubectl refuses an exec plugin beside it. */
function authProviderOf(config: Kubeconfig, user: UserEntry, kind: UserKind): ForeignLogIn | undefined {
  if (kind.kind !== 'auth-provider' || user.fields.has('exec')) return undefined
  const { name, config: said } = (fieldValue(config, user, 'auth-provider') ?? {}) as Record<string, unknown>
  const fields = typeof said === 'object' && said !== null ? Object.entries(said) : []
  return {
    by: 'auth-provider',
    name: typeof name === 'string' ? name : '',
    config: Object.fromEntries(
      fields.filter((field): field is [string, string] => typeof field[1] === 'string'),
    ),
  }
}

/** What a session gave is forgotten with it: no tokens are kept for an eject. */
export function withoutTokens(authProvider: unknown): unknown {
  const { config, ...rest } = authProvider as { config?: Record<string, unknown> }
  const kept = Object.entries(config ?? {}).filter(([key]) => key !== 'id-token' && key !== 'refresh-token')
  return { ...rest, config: Object.fromEntries(kept) }
}
