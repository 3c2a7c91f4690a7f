import { isScalar } from 'yaml'
import type { OutlineUser } from '../../usecases/ports.ts'
import { namedCredential } from './exec-entry.ts'
import { fieldValue, invalidAt } from './parse-kubeconfig.ts'
import type { Kubeconfig, UserEntry } from './parse-kubeconfig.ts'

/** How a kubeconfig user proves who it is, and whether that can move into a vault. */
export interface UserKind {
  readonly kind: OutlineUser['kind']
  /** Its exec entry is ours, whatever else stands beside it. */
  readonly ours: { policy: string; credential: string } | undefined
  /** It holds a token or a client certificate that exec could carry instead, or has an exec plugin to be wrapped. */
  readonly adoptable: boolean
  readonly hasPassword: boolean
}

/** The fields that adopting takes away; the names are client-go's (tools/clientcmd/api/v1, AuthInfo). */
const tokenFields = ['token', 'tokenFile'] as const
const certificateFields = [
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
] as const
export const secretFields = [...tokenFields, ...certificateFields] as const

/**
 * Follows what client-go does with several methods on one user: a static token wins over an exec plugin,
 * which then never runs; a token beside a password, or exec beside an auth-provider, is refused.
 */
export function classifyUser(config: Kubeconfig, user: UserEntry): UserKind {
  const has = (name: string): boolean => hasValue(user, name)
  const exec = fieldValue(config, user, 'exec')
  const ours = namedCredential(exec)
  const facts = {
    token: tokenFields.some(has),
    certificate: certificateFields.some(has),
    password: has('username') || has('password'),
    provider: user.fields.has('auth-provider'),
    foreignExec: exec !== undefined && ours === undefined,
  }
  const kind = kindOf(facts, ours !== undefined)
  const adoptable = kind === 'token' || kind === 'client-certificate' || kind === 'exec'
  return { kind, ours, adoptable, hasPassword: facts.password }
}

function hasValue(user: UserEntry, name: string): boolean {
  const node = user.fields.get(name)?.node
  return node !== undefined && !(isScalar(node) && node.value === '')
}

interface Facts {
  readonly token: boolean
  readonly certificate: boolean
  readonly password: boolean
  readonly provider: boolean
  readonly foreignExec: boolean
}

function kindOf(facts: Facts, ours: boolean): UserKind['kind'] {
  if (facts.provider) return 'auth-provider'
  if (facts.token) return facts.password ? 'basic' : 'token'
  if (facts.foreignExec) return 'exec'
  if (facts.certificate) return 'client-certificate'
  if (ours) return 'ours'
  return facts.password ? 'basic' : 'none'
}

/**
 * A field's text as client-go reads it; undefined where there is none, or it is no scalar.
 *
 * @throws GuardError kubeconfig-invalid for a number or the like that YAML parsers spell differently
 */
export function fieldText(config: Kubeconfig, user: UserEntry, name: string): string | undefined {
  const field = user.fields.get(name)
  if (field === undefined || !isScalar(field.node)) return undefined
  const { value, source } = field.node
  if (typeof value === 'string') return value
  if (source !== undefined && String(value) === source) return source
  throw invalidAt(config, field.offset, 'this value is read as a number', 'put it in quotes, then try again')
}
