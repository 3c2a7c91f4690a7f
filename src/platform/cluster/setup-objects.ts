import { stringify } from 'yaml'
import type { EphemeralRules } from '../../domain/policy-credential.ts'
import { admissionObjects } from './setup-admission.ts'

/** Who may open sessions. */
export interface Subject {
  readonly kind: 'Group' | 'User'
  readonly name: string
}

/** What is to be offered by sessions whose objects are in one namespace. */
export interface Setup {
  readonly home: string
  /** ClusterRoles that hold in the whole cluster. */
  readonly everywhere: readonly string[]
  /** ClusterRoles that hold in this namespace. */
  readonly within: ReadonlyMap<string, readonly string[]>
  readonly subjects: readonly Subject[]
}

const group = 'rbac.authorization.k8s.io'
const labels = { 'app.kubernetes.io/managed-by': 'kubeguard', 'app.kubernetes.io/part-of': 'kubeguard' }

/** One setup for each namespace that policies keep their sessions' objects in. */
export function setupsFor(rules: readonly EphemeralRules[], subjects: readonly Subject[]): Setup[] {
  return [...Map.groupBy(rules, ({ home }) => home)].map(([home, own]) => {
    const namesOf = (some: readonly EphemeralRules[]): string[] =>
      [...new Set(some.flatMap(({ roles }) => roles.map(({ role }) => role)))].toSorted()
    const namespaces = [...new Set(own.flatMap((one) => one.namespaces))].toSorted()
    return {
      home,
      everywhere: namesOf(own.filter((one) => one.namespaces.length === 0)),
      within: new Map(
        namespaces.map((name) => [name, namesOf(own.filter((one) => one.namespaces.includes(name)))]),
      ),
      subjects,
    }
  })
}

/**
 * What a cluster needs for sessions of its own, with no right more: a namespace that runs nothing, what a person's
 * credential may do there, and an admission policy that holds it to its own sessions, and sessions to their role.
 */
export function setupObjects(setup: Setup): object[] {
  const { home, within, subjects } = setup
  const [person, place] = [`${home}:person`, `${home}:place`]
  const bindingOf = (kind: string, name: string, namespace: string | undefined, to: object): object => ({
    apiVersion: `${group}/v1`,
    kind,
    metadata: { name, labels, ...(namespace !== undefined && { namespace }) },
    roleRef: { apiGroup: group, ...to },
    subjects: subjects.map((subject) => ({ apiGroup: group, ...subject })),
  })
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: home, labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'nothing-runs-here', namespace: home, labels },
      spec: { hard: { pods: '0' } },
    },
    // Before the rights that it bounds.
    ...admissionObjects(setup, labels),
    clusterRole(person, personRules(setup)),
    bindingOf('ClusterRoleBinding', person, undefined, { kind: 'ClusterRole', name: person }),
    {
      apiVersion: `${group}/v1`,
      kind: 'Role',
      metadata: { name: 'person', namespace: home, labels },
      rules: homeRules,
    },
    bindingOf('RoleBinding', 'person', home, { kind: 'Role', name: 'person' }),
    ...[...within].flatMap(([namespace, roles]) => {
      const name = `${place}:${namespace}`
      return [
        clusterRole(name, placeRules(roles)),
        bindingOf('RoleBinding', name, namespace, { kind: 'ClusterRole', name }),
      ]
    }),
  ]
}

const clusterRole = (name: string, rules: readonly object[]): object => ({
  apiVersion: `${group}/v1`,
  kind: 'ClusterRole',
  metadata: { name, labels },
  rules,
})

/** `list` finds leftovers; `bind` is the right to give a role that one has not got. */
const personRules = ({ home, everywhere }: Setup): object[] => [
  { apiGroups: [group], resources: ['clusterroles'], verbs: ['create', 'delete', 'list'] },
  { apiGroups: [group], resources: ['clusterrolebindings'], verbs: ['create', 'delete'] },
  ...(everywhere.length === 0 ? [] : [mayBind(everywhere)]),
  // Nothing is of this kind: the admission policy asks who has it.
  { apiGroups: ['kubeguard.dev'], resources: ['sessions'], resourceNames: [home], verbs: ['open'] },
]

const mayBind = (roles: readonly string[]): object => ({
  apiGroups: [group],
  resources: ['clusterroles'],
  resourceNames: [...roles],
  verbs: ['bind'],
})

const homeRules = [
  { apiGroups: [''], resources: ['serviceaccounts', 'serviceaccounts/token'], verbs: ['create'] },
  { apiGroups: [''], resources: ['secrets'], verbs: ['create', 'delete'] },
  { apiGroups: [group], resources: ['roles', 'rolebindings'], verbs: ['create'] },
]

const placeRules = (roles: readonly string[]): object[] => [
  { apiGroups: [group], resources: ['roles'], verbs: ['create'] },
  { apiGroups: [group], resources: ['rolebindings'], verbs: ['create', 'delete'] },
  mayBind(roles),
]

const head = `# Made by kubeguard cluster setup, for Kubernetes 1.30 and later: on an older one the admission policy is refused, and without it
# the rights below are too many.
`

/** One YAML document each, for kubectl, Kustomize and whatever keeps clusters as Git has them. */
export function renderObjects(objects: readonly object[]): string {
  return head + objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n')
}
