import { formatDuration, parseDuration } from './duration.ts'
import { GuardError } from './errors.ts'
import { isMapping, refuseOtherKeys, shown } from './policy-document.ts'
import type { PolicyPath, Report } from './policy-document.ts'

/** One ClusterRole that a session may be opened with. */
export interface OfferedRole {
  readonly role: string
  /** A session that has it ends after this time already. */
  readonly forMs?: number
}

/** `credential: ephemeral`: what clients get is an identity made in the cluster for this session, and deleted at its lock. */
export interface EphemeralRules {
  /** ClusterRoles, least first: the first one unless another is asked for. */
  readonly roles: readonly OfferedRole[]
  /** Where the role holds; empty: in the whole cluster. */
  readonly namespaces: readonly string[]
  /** Where the sessions' own objects are. */
  readonly home: string
}

type Fields = Readonly<Record<string, unknown>>

export const credentialKeys = ['credential', 'ephemeral'] as const

const usualHome = 'kubeguard-sessions'

/** Rules by which no session can be opened. */
export const noRole: EphemeralRules = { roles: [], namespaces: [], home: usualHome }

const known = ['roles', 'namespaces', 'home']
const knownOfRole = ['role', 'for']
const mostListed = 32
const [shortestMs, longestMs] = [60_000, 7 * 24 * 3_600_000]

/** RFC 1123 label, as namespaces have it. */
export const isNamespace = (value: unknown): value is string =>
  typeof value === 'string' && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)

/** A path segment (Kubernetes, path.ValidatePathSegmentName), and nothing that must be quoted in a shell or in CEL. */
const isRole = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9:._-]{0,252}$/.test(value)

const example = 'write for instance: ephemeral: { roles: [view, edit], namespaces: [shop] }'

/**
 * Reads `credential` and `ephemeral`.
 *
 * @param isGiven what the session serves comes of a log-in, and no vault is there whose credential could open one
 * @returns undefined where clients get what is in the vault
 */
export function readCredential(raw: Fields, report: Report, isGiven = false): EphemeralRules | undefined {
  const { credential, ephemeral } = raw
  if (credential !== undefined && credential !== 'vault' && credential !== 'ephemeral')
    report(['credential'], `credential: ${shown(credential)} is not known`, 'choose vault or ephemeral')
  if (credential !== 'ephemeral') {
    if (ephemeral !== undefined)
      report(
        ['ephemeral'],
        'ephemeral is there, but credential is not ephemeral',
        'write: credential: ephemeral',
      )
    return undefined
  }
  if (isGiven)
    report(
      ['credential'],
      'credential: ephemeral needs a vault whose credential opens the session, and a log-in has none',
      'remove it: what a log-in gives ends by itself',
    )
  if (!isMapping(ephemeral)) {
    report(ephemeral === undefined ? ['credential'] : ['ephemeral'], 'ephemeral has no roles', example)
    return noRole
  }
  refuseOtherKeys(ephemeral, ['ephemeral'], { known, later: [] }, report)
  const roles = readRoles(ephemeral['roles'], report)
  const namespaces = readNamespaces(ephemeral['namespaces'], report)
  const home = readHome(ephemeral['home'], report)
  if (namespaces.includes(home))
    report(
      ['ephemeral', 'namespaces'],
      `${home} is where the sessions’ own objects are: a role there could change them`,
      'leave it out',
    )
  return { roles, namespaces, home }
}

function readRoles(raw: unknown, report: Report): readonly OfferedRole[] {
  const path: PolicyPath = ['ephemeral', 'roles']
  if (!Array.isArray(raw) || raw.length === 0 || raw.length > mostListed) {
    report(
      raw === undefined ? ['ephemeral'] : path,
      `ephemeral.roles must list 1 to ${mostListed} ClusterRoles`,
      example,
    )
    return []
  }
  const roles = raw.flatMap((one: unknown, index) => readRole(one, [...path, index], report) ?? [])
  const names = roles.map(({ role }) => role)
  if (new Set(names).size !== names.length) report(path, 'ephemeral.roles names a role twice', 'name it once')
  return roles
}

function readRole(raw: unknown, path: PolicyPath, report: Report): OfferedRole | undefined {
  if (isRole(raw)) return { role: raw }
  if (!isMapping(raw) || !isRole(raw['role'])) {
    report(
      path,
      `${shown(raw)} is no ClusterRole’s name`,
      'write for instance: view, or { role: edit, for: 30m }',
    )
    return undefined
  }
  refuseOtherKeys(raw, path, { known: knownOfRole, later: [] }, report)
  if (raw['for'] === undefined) return { role: raw['role'] }
  const forMs = typeof raw['for'] === 'string' ? parseDuration(raw['for']) : undefined
  if (forMs !== undefined && forMs >= shortestMs && forMs <= longestMs) return { role: raw['role'], forMs }
  const span = `${formatDuration(shortestMs)} to ${formatDuration(longestMs)}`
  report([...path, 'for'], `for: ${shown(raw['for'])} can’t be used`, `choose from ${span}`)
  return undefined
}

function readNamespaces(raw: unknown, report: Report): readonly string[] {
  if (raw === undefined) return []
  if (Array.isArray(raw) && raw.length > 0 && raw.length <= mostListed && raw.every(isNamespace))
    return [...new Set(raw)]
  report(
    ['ephemeral', 'namespaces'],
    `ephemeral.namespaces: ${shown(raw)} is no list of 1 to ${mostListed} namespaces`,
    'write for instance: namespaces: [shop], or leave it out for the whole cluster',
  )
  return []
}

function readHome(raw: unknown, report: Report): string {
  if (raw === undefined) return usualHome
  if (isNamespace(raw)) return raw
  report(
    ['ephemeral', 'home'],
    `ephemeral.home: ${shown(raw)} is no namespace’s name`,
    `write: home: ${usualHome}`,
  )
  return usualHome
}

/**
 * Of several policies for one context: an identity of the session’s own where any of them wants one; of its roles and
 * namespaces those that all offer, each for the shortest time. The last one’s order and home: the organisation's.
 */
export function strictestCredential(
  each: readonly (EphemeralRules | undefined)[],
): EphemeralRules | undefined {
  const all = each.filter((one) => one !== undefined)
  const last = all.at(-1)
  if (last === undefined) return undefined
  const limited = all.filter(({ namespaces }) => namespaces.length > 0)
  const namespaces = (limited.at(-1)?.namespaces ?? []).filter((name) =>
    limited.every((one) => one.namespaces.includes(name)),
  )
  // Limits that have nothing in common leave no place: an empty list would mean the whole cluster.
  const nowhere = limited.length > 0 && namespaces.length === 0
  const roles = nowhere ? [] : last.roles.flatMap(({ role }) => commonRole(role, all))
  return { roles, namespaces, home: last.home }
}

function commonRole(role: string, all: readonly EphemeralRules[]): OfferedRole[] {
  const offers = all.map(({ roles }) => roles.find((one) => one.role === role))
  if (offers.includes(undefined)) return []
  const times = offers.flatMap((offer) => offer?.forMs ?? [])
  return [times.length === 0 ? { role } : { role, forMs: Math.min(...times) }]
}

/**
 * The role that a session is opened with.
 * @throws GuardError role-not-offered
 */
export function chooseRole(
  policy: string,
  rules: EphemeralRules | undefined,
  asked: string | undefined,
): OfferedRole | undefined {
  if (rules === undefined && asked === undefined) return undefined
  const found = asked === undefined ? rules?.roles[0] : rules?.roles.find(({ role }) => role === asked)
  if (found !== undefined) return found
  const offered = rules?.roles.map(({ role }) => role).join(', ') ?? ''
  throw new GuardError(
    'role-not-offered',
    rules === undefined
      ? `${policy} has no roles: its credential is the vault’s own`
      : `${policy} does not offer ${asked === undefined ? 'any role' : shown(asked)}`,
    offered === '' ? {} : { cure: `choose among: ${offered}` },
  )
}

/** Do these rules forbid a session that was opened so? */
export function refusesSession(
  rules: EphemeralRules | undefined,
  opened: { readonly role: string; readonly rules: EphemeralRules } | undefined,
): boolean {
  if (rules === undefined) return false
  if (opened === undefined) return true
  const within =
    (opened.rules.namespaces.length > 0 || rules.namespaces.length === 0) &&
    (rules.namespaces.length === 0 ||
      opened.rules.namespaces.every((name) => rules.namespaces.includes(name)))
  return !within || !rules.roles.some(({ role }) => role === opened.role)
}

/** As a policy file says it: nothing where clients get what is in the vault. */
export function renderCredential(rules: EphemeralRules | undefined): Fields {
  if (rules === undefined) return {}
  const { roles, namespaces, home } = rules
  return {
    credential: 'ephemeral',
    ephemeral: {
      roles: roles.map(({ role, forMs }) =>
        forMs === undefined ? role : { role, for: formatDuration(forMs) },
      ),
      ...(namespaces.length === 0 ? {} : { namespaces: [...namespaces] }),
      ...(home === usualHome ? {} : { home }),
    },
  }
}

/** In words: `ephemeral: view, edit for 30m; in shop`. */
export function describeCredential(rules: EphemeralRules | undefined): string {
  if (rules === undefined) return 'vault'
  const roles = rules.roles.map(({ role, forMs }) =>
    forMs === undefined ? role : `${role} for ${formatDuration(forMs)}`,
  )
  const place = rules.namespaces.length === 0 ? 'in the whole cluster' : `in ${rules.namespaces.join(', ')}`
  return `ephemeral: ${roles.length === 0 ? 'no role' : roles.join(', ')} ${place}`
}
