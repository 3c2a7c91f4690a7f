import { createHash } from 'node:crypto'
import { isNamespace } from '../../domain/policy-credential.ts'

/** The marks that a session's objects carry. */
const marks = {
  session: 'kubeguard.dev/session',
  machine: 'kubeguard.dev/machine',
  person: 'kubeguard.dev/person',
  host: 'kubeguard.dev/host',
  account: 'kubeguard.dev/account',
  policy: 'kubeguard.dev/policy',
  role: 'kubeguard.dev/role',
  ends: 'kubeguard.dev/ends',
  keeper: 'kubeguard.dev/keeper',
  home: 'kubeguard.dev/home',
  namespaces: 'kubeguard.dev/namespaces',
} as const

export const sessionPrefix = 'kubeguard-session.'
/** Of the letters of a name that may have 253 (RFC 1123 subdomain). */
export const mostOfPerson = 150
const mostOfHost = 40
const group = 'rbac.authorization.k8s.io'
const rbac = `/apis/${group}/v1`
const owners = `${rbac}/clusterroles`

/** What one session is in the cluster. */
export interface ClusterSessionFacts {
  /** Ten hex digits. */
  readonly id: string
  /** Where ServiceAccounts and Secret are. */
  readonly home: string
  readonly role: string
  /** Where the role holds; empty: in the whole cluster. */
  readonly namespaces: readonly string[]
  /** As the API server names who opens it. */
  readonly person: string
  /** A digest: whose leftovers are ours to judge. */
  readonly machine: string
  readonly host: string
  readonly account: string
  readonly policy: string
  /** Which process opened it: whether that goes on can be seen on its machine. */
  readonly keeper: string
  /** Wall-clock ms: whatever is there later is left behind. */
  readonly endsMs: number
}

export interface ToCreate {
  /** The collection. */
  readonly path: string
  readonly object: KubeObject
}

interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<
    Record<string, unknown>
  >
  readonly [field: string]: unknown
}

/** `kubeguard-session.alice.laptop.3f9a0c21e7`: so the API server's audit log says whose it is, and from where. */
export function sessionName({
  id,
  person,
  host,
}: Pick<ClusterSessionFacts, 'id' | 'person' | 'host'>): string {
  return `${ownPrefix(person)}${slug(host, mostOfHost)}.${id}`
}

/** What the names of this person's sessions begin with. An admission policy makes the same of who asks: setup-objects.ts. */
export const ownPrefix = (person: string): string => `${sessionPrefix}${slug(person, mostOfPerson)}.`

/** A slug has no dot, so that one person's names never begin like another's. */
function slug(text: string, most: number): string {
  const words = text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()).match(/[a-z0-9]+/g)
  const whole = words === null ? 'x' : words.join('-')
  // No label may end in a dash, where it is cut neither.
  return whole.length > most ? `${whole.slice(0, most - 1)}x` : whole
}

/** The account that ends the session, and all that it may do, has this behind the session's name. */
export const enderOf = (name: string): string => `${name}-ender`

/**
 * What the rest belongs to, so that Kubernetes' garbage collection takes it along: a ClusterRole, since only what is of
 * the whole cluster can own things there and in several namespaces. It is what the session's ender may delete there, too.
 */
export function ownerOf(facts: ClusterSessionFacts): ToCreate {
  const name = sessionName(facts)
  const deletable = facts.namespaces.length === 0 ? ['clusterroles', 'clusterrolebindings'] : ['clusterroles']
  return {
    path: owners,
    object: {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRole',
      metadata: metadata(facts, name),
      rules: [mayDelete(name, group, deletable)],
    },
  }
}

const mayDelete = (name: string, apiGroup: string, resources: readonly string[]): object => ({
  apiGroups: [apiGroup],
  resources,
  resourceNames: [name],
  verbs: ['delete'],
})

/**
 * All that belongs to the owner: what can be made in any order, then what refers to a role of the first, of which an API
 * server may learn a moment later (404).
 */
export function ownedBy(facts: ClusterSessionFacts, ownerUid: string): [ToCreate[], ToCreate[]] {
  const { home, role, namespaces } = facts
  const name = sessionName(facts)
  const ender = enderOf(name)
  const owner = { apiVersion: `${group}/v1`, kind: 'ClusterRole', name, uid: ownerUid }
  const object = (own: string, namespace?: string): { metadata: KubeObject['metadata'] } => ({
    metadata: {
      ...metadata(facts, own),
      ...(namespace !== undefined && { namespace }),
      ownerReferences: [owner],
    },
  })
  const core = (kind: string, plural: string, own: string, more: object): ToCreate => ({
    path: `/api/v1/namespaces/${home}/${plural}`,
    object: { apiVersion: 'v1', kind, ...object(own, home), ...more },
  })
  const rights = (kind: string, own: string, namespace: string | undefined, more: object): ToCreate => ({
    path: `${rbac}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${kind.toLowerCase()}s`,
    object: { apiVersion: `${group}/v1`, kind, ...object(own, namespace), ...more },
  })
  const binding = (own: string, to: object, account: string, namespace?: string): ToCreate =>
    rights(namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding', own, namespace, {
      roleRef: { apiGroup: group, ...to },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace: home }],
    })
  const places = [...new Set([home, ...namespaces])]
  const enderMay = (place: string): object[] => [
    ...(place === home ? [mayDelete(name, '', ['secrets'])] : []),
    ...(namespaces.includes(place) ? [mayDelete(name, group, ['rolebindings'])] : []),
  ]
  return [
    [
      core('ServiceAccount', 'serviceaccounts', name, { automountServiceAccountToken: false }),
      core('ServiceAccount', 'serviceaccounts', ender, { automountServiceAccountToken: false }),
      core('Secret', 'secrets', name, { type: 'Opaque', immutable: true }),
      ...places.map((place) => rights('Role', ender, place, { rules: enderMay(place) })),
      ...(namespaces.length === 0 ? [undefined] : namespaces).map((place) =>
        binding(name, { kind: 'ClusterRole', name: role }, name, place),
      ),
    ],
    [
      binding(ender, { kind: 'ClusterRole', name }, ender),
      ...places.map((place) => binding(ender, { kind: 'Role', name: ender }, ender, place)),
    ],
  ]
}

/**
 * What ends a session, in this order; those of one step at once. First what gives its token any right (403, at once), then
 * what the token is bound to (401, whatever it was bound to later), then the owner, after which the rest goes by itself.
 */
export function endingSteps({
  name,
  home,
  namespaces,
}: {
  readonly name: string
  readonly home: string
  readonly namespaces: readonly string[]
}): string[][] {
  return [
    namespaces.length === 0
      ? [`${rbac}/clusterrolebindings/${name}`]
      : namespaces.map((namespace) => `${rbac}/namespaces/${namespace}/rolebindings/${name}`),
    [`/api/v1/namespaces/${home}/secrets/${name}`],
    [`${owners}/${name}`],
  ]
}

function metadata(facts: ClusterSessionFacts, name: string): KubeObject['metadata'] {
  return {
    name,
    labels: {
      'app.kubernetes.io/managed-by': 'kubeguard',
      [marks.session]: facts.id,
      [marks.machine]: facts.machine,
    },
    annotations: {
      [marks.person]: facts.person,
      [marks.host]: facts.host,
      [marks.account]: facts.account,
      [marks.policy]: facts.policy,
      [marks.role]: facts.role,
      [marks.ends]: new Date(facts.endsMs).toISOString(),
      [marks.keeper]: facts.keeper,
      [marks.home]: facts.home,
      [marks.namespaces]: facts.namespaces.join(','),
    },
  }
}

/** Which account of which machine, and which of its installations: nothing of it can be read in the digest. */
export function machineDigest(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32)
}

/** An owner as it was found in the cluster, well-formed. */
export interface FoundSession {
  readonly name: string
  readonly uid: string
  readonly machine: string
  readonly keeper: string
  readonly home: string
  readonly namespaces: readonly string[]
  readonly createdMs: number
  readonly endsMs: number
}

/** What every session's owner carries. */
export const sessionsSelector: string = marks.session

/** The query for owners of one machine. */
export function ownersPath(machine: string): string {
  const selector = `${marks.session},${marks.machine}=${machine}`
  return `${owners}?limit=500&labelSelector=${encodeURIComponent(selector)}`
}

/**
 * The sessions in an answer to `ownersPath`. A label alone makes nothing one of ours: the name must be that of a session,
 * its id the label's, and its rules an owner's. What is anything else is left out.
 */
export function foundSessions(body: unknown): FoundSession[] {
  const { items } = (body ?? {}) as { items?: unknown }
  return Array.isArray(items) ? items.flatMap((item) => foundSession(item) ?? []) : []
}

const namePattern = /^kubeguard-session\.[a-z0-9-]{1,150}\.[a-z0-9-]{1,40}\.([0-9a-f]{10})$/

function foundSession(item: unknown): FoundSession | undefined {
  const { metadata: found = {}, rules } = item as { metadata?: Record<string, unknown>; rules?: unknown }
  const labels = (found['labels'] ?? {}) as Record<string, string>
  const annotations = (found['annotations'] ?? {}) as Record<string, string>
  const { name, uid, creationTimestamp } = found
  if (typeof name !== 'string' || typeof uid !== 'string') return undefined
  if (namePattern.exec(name)?.[1] !== labels[marks.session]) return undefined
  const home = annotations[marks.home] ?? ''
  const namespaces = (annotations[marks.namespaces] ?? '').split(',').filter(Boolean)
  const isPlain = [home, ...namespaces].every(isNamespace)
  if (!isPlain || !isOwners(rules, name)) return undefined
  return {
    name,
    uid,
    machine: labels[marks.machine] ?? '',
    keeper: annotations[marks.keeper] ?? '',
    home,
    namespaces,
    createdMs: Date.parse(String(creationTimestamp)),
    endsMs: Date.parse(annotations[marks.ends] ?? ''),
  }
}

/** Each rule lets this one name be deleted, and nothing else be done. */
const isOwners = (rules: unknown, name: string): boolean =>
  Array.isArray(rules) &&
  rules.every((rule: { verbs?: unknown; resourceNames?: unknown }) => {
    const { verbs, resourceNames } = rule
    return JSON.stringify([verbs, resourceNames]) === JSON.stringify([['delete'], [name]])
  })

/** No lifetime of a policy is longer than seven days; a day for clocks apart. */
const oldestMs = 8 * 24 * 3_600_000

/** Is it over by the clock, whoever opened it? The creation is the API server's word; the end was its opener's. */
export function isPast({ createdMs, endsMs }: FoundSession, nowMs: number): boolean {
  return nowMs - createdMs > oldestMs || nowMs > endsMs
}
