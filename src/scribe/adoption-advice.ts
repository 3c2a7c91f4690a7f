import { describePlugin, sourcesOf } from '../domain/exec-plugins.ts'
import type { Policy, PolicySet } from '../domain/policy.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { UserKind } from '../platform/kubeconfig/classify-user.ts'
import { secretFields } from '../platform/kubeconfig/classify-user.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { expiryOf } from './credential-facts.ts'
import type { LoadedFile } from './load-files.ts'
import type { Secrets } from './read-secrets.ts'

/** Whether others could read a file (mode bits): what was in it has to be taken for known. */
const othersMayRead = 0o044

/** What the user should do about a credential that was adopted: which copies of it live on, and where. */
export function adviceFor(
  file: LoadedFile,
  user: UserEntry,
  kind: UserKind,
  secrets: Secrets,
  nowMs: number,
): string[] {
  return [
    ...(secrets.exec === undefined ? ending(secrets, nowMs) : borrowing(secrets, nowMs)),
    ...copies(file, secrets),
    ...(kind.ours === undefined ? [] : ['replaces what the vault held for this user']),
    ...(kind.ours === undefined && secrets.exec === undefined && user.fields.has('exec')
      ? ['its exec plugin never ran, the token beside it won; eject brings both back']
      : []),
    ...(kind.hasPassword ? ['its password stays in the file, unguarded: exec can’t carry one'] : []),
  ]
}

/** Undefined for a policy that has left the file. */
export const rulesOf = (policies: PolicySet, name: string): Policy | undefined =>
  policies.find((policy) => policy.name === name)

/** What the rules of a policy take away from the strength of its credentials, or ask of them. */
export function adviceOnPolicy(
  policies: PolicySet,
  name: string,
  { exec, cluster }: Pick<VaultItem, 'exec' | 'cluster'>,
): string[] {
  const rules = rulesOf(policies, name)
  if (rules?.ephemeral !== undefined) return adviceOnEphemeral(name, { exec, cluster })
  // Of a wrapped plugin there is nothing to be put into the file.
  if (exec !== undefined || rules?.materialize !== true) return []
  return [
    `policy ${name} has materialize: true, the weakest choice: while it is unlocked the credential stands in the file in plain text`,
  ]
}

function adviceOnEphemeral(name: string, { exec, cluster }: Pick<VaultItem, 'exec' | 'cluster'>): string[] {
  if (exec !== undefined)
    return [`policy ${name} has credential: ephemeral: an exec plugin can’t open a session in a cluster`]
  if (cluster !== undefined) return []
  return [
    `policy ${name} has credential: ephemeral, but its contexts don’t lead to one API server, by https, with its certificate checked and no proxy: it can open no session`,
  ]
}

/** What its plugin has of its own outlives a lock; a key beside it moved into the vault like any other. */
function borrowing(secrets: Secrets, nowMs: number): string[] {
  const { exec, ...others } = secrets
  if (exec === undefined) return []
  const plugin = describePlugin(exec)
  const also = others.clientKeyData === undefined ? [] : ending(others, nowMs)
  return [
    `borrowed: ${plugin.name} runs behind kubeguard, but ${sourcesOf(plugin).join(', ')} outlives a lock; a policy’s wipe reaches caches`,
    ...also,
  ]
}

function ending(secrets: Secrets, nowMs: number): string[] {
  const expiresAtMs = expiryOf(secrets)
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs)
    return [`it ended on ${dayOf(expiresAtMs)}: fetch a new one`]
  const until =
    expiresAtMs === undefined ? 'it has no end of its own' : `it ends by itself on ${dayOf(expiresAtMs)}`
  if (secrets.clientKeyData === undefined)
    return [`rotate: the token was readable in the file until now, ${until}`]
  const what = secrets.token === undefined ? 'the client key was' : 'token and client key were'
  return [`rotate: ${what} readable until now; a client certificate can’t be revoked, ${until}`]
}

function copies(file: LoadedFile, secrets: Secrets): string[] {
  const { path, mode, names } = file.snapshot
  return [
    ...secrets.sources.map((source) => `remove or rotate: ${source.path} still holds the ${source.holds}`),
    ...(names > 1 ? [`${path} has another name (a hard link) that still holds the secret`] : []),
    ...((mode & othersMayRead) === 0 ? [] : [`${path} can be read by other accounts: rotate first`]),
  ]
}

/** ISO 8601, UTC, to the minute. */
const dayOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** Why a user was left as it is, and what that means. */
export function adviceForLeft(user: UserEntry, kind: UserKind, problem: string | undefined): string[] {
  if (problem !== undefined) return [`left as it is: ${problem}`]
  const secret = secretFields.find((name) => user.fields.has(name))
  switch (kind.kind) {
    case 'basic':
      return secret === undefined
        ? ['exec can’t carry a password: use a token or a client certificate instead']
        : ['kubectl refuses a token beside a password: remove one of them, then adopt']
    case 'auth-provider':
      return [
        'unguarded: kubectl has none but oidc since 1.26, and a policy with unlock: [oidc] can do that one’s log-in: kubeguard adopt',
      ]
    default:
      return []
  }
}
