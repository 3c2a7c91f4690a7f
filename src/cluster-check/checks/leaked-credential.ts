import type { Cluster } from '../cluster.ts'
import type { leakRules } from '../leak-rules.ts'
import type { Notes } from '../report.ts'
import { gives, mayI, rightsIn } from '../rights.ts'
import type { Right, Rights } from '../rights.ts'

type LeakRule = keyof typeof leakRules

/** No name of a namespace has a capital: what is allowed there is allowed everywhere. */
const noNamespace = 'None'

const on = (group: string, resources: readonly string[], verbs: readonly string[]): Right[] =>
  resources.flatMap((resource) => verbs.map((verb) => ({ verb, group, resource })))

const writing = ['create', 'update', 'patch']
const rbac = 'rbac.authorization.k8s.io'

/** Any of these rights is enough. */
const powers: Readonly<Record<Exclude<LeakRule, 'leak-everything'>, readonly Right[]>> = {
  'leak-secrets': on('', ['secrets'], ['get', 'list', 'watch']),
  'leak-exec': [
    ...on('', ['pods/exec', 'pods/attach', 'pods/portforward'], ['create', 'get']),
    ...on('', ['pods/ephemeralcontainers'], ['patch', 'update']),
  ],
  'leak-workloads': [
    ...on('', ['pods', 'replicationcontrollers'], writing),
    ...on('apps', ['deployments', 'daemonsets', 'statefulsets', 'replicasets'], writing),
    ...on('batch', ['jobs', 'cronjobs'], writing),
  ],
  'leak-tokens': [...on('', ['serviceaccounts/token'], ['create']), ...on('', ['secrets'], ['create'])],
  'leak-impersonate': on('', ['users', 'groups', 'serviceaccounts'], ['impersonate']),
  'leak-escalate': on(
    rbac,
    ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'],
    ['escalate', 'bind'],
  ),
  'leak-certificates': on(
    'certificates.k8s.io',
    ['certificatesigningrequests/approval'],
    ['update', 'patch'],
  ),
  'leak-nodes': on('', ['nodes/proxy'], ['get', 'create']),
  'leak-webhooks': on(
    'admissionregistration.k8s.io',
    ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
    writing,
  ),
}

const everything: Right = { verb: '*', group: '*', resource: '*' }

interface Scope {
  /** For a SelfSubjectAccessReview; empty for all. */
  readonly namespace: string
  readonly label: string
  readonly rights: Rights
  readonly isWide: boolean
}

/** In plain words, once for the whole cluster, and for a namespace only where that adds something. */
export async function checkLeakedCredential(
  cluster: Cluster,
  notes: Notes,
  about: { readonly user: string; readonly namespace: string },
): Promise<void> {
  const wide = await rightsIn(cluster, noNamespace)
  if (wide === undefined)
    return notes.unseen('what this credential could do', 'create on selfsubjectrulesreviews')
  const place = { kind: 'user', name: about.user }
  if (gives(wide, everything))
    return notes.found('leak-everything', place, 'in the whole cluster: every verb on everything')
  const scopes: Scope[] = [{ namespace: '', label: 'in the whole cluster', rights: wide, isWide: true }]
  for (const namespace of new Set(['kube-system', about.namespace])) {
    const rights = await rightsIn(cluster, namespace)
    const isWide = namespace === 'kube-system'
    if (rights !== undefined) scopes.push({ namespace, label: `in ${namespace}`, rights, isWide })
  }
  for (const [rule, rights] of Object.entries(powers) as [LeakRule, readonly Right[]][]) {
    for (const scope of scopes) {
      const allowed = await firstAllowed(cluster, scope, rights)
      if (allowed === undefined) continue
      notes.found(rule, place, `${scope.label}: ${textOf(allowed)}`, scope.isWide ? 'high' : 'medium')
      if (scope.namespace === '') break
    }
  }
}

/** Where RBAC is not all there is, its list is no more than a beginning: then each right is asked for. */
async function firstAllowed(
  cluster: Cluster,
  scope: Scope,
  rights: readonly Right[],
): Promise<Right | undefined> {
  const listed = rights.find((right) => gives(scope.rights, right))
  if (listed !== undefined || !scope.rights.incomplete) return listed
  for (const right of rights) if (await mayI(cluster, right, scope.namespace)) return right
  return undefined
}

const textOf = ({ verb, group, resource }: Right): string =>
  `${verb} on ${resource}${group === '' ? '' : ` (${group})`}`
