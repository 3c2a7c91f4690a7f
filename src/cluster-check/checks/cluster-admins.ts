import { holdersIn, isEverybody } from '../bindings.ts'
import type { Bindings } from '../bindings.ts'
import { needed, parsed } from '../cluster.ts'
import type { Cluster, Whoami } from '../cluster.ts'
import type { Notes } from '../report.ts'
import type { Rule } from '../rights.ts'

const masters = 'system:masters'

interface ClusterRoles {
  readonly items?: readonly {
    readonly metadata: { readonly name: string }
    readonly rules?: readonly Rule[]
  }[]
}

/** Who has all rights: by RBAC, and by the one group that is past it. Who else is in that group nobody can list. */
export async function checkClusterAdmins(
  cluster: Cluster,
  notes: Notes,
  { me, bindings }: { me: Whoami | undefined; bindings: Bindings },
): Promise<void> {
  if (me?.groups.includes(masters))
    notes.found('system-masters', { kind: 'user', name: me.username }, `groups: ${me.groups.join(', ')}`)
  if (bindings.needs.cluster !== undefined)
    return notes.unseen('who holds cluster-admin', bindings.needs.cluster)
  const almighty = await almightyRoles(cluster, notes)
  for (const binding of bindings.all) {
    if (binding.kind !== 'clusterrolebinding' || !almighty.includes(binding.roleName)) continue
    // Without this one binding Kubernetes has no administrator.
    const holders = holdersIn(binding).filter((holder) => holder !== `group ${masters}`)
    if (holders.length === 0) continue
    const rule = holders.some(isEverybody) ? 'cluster-admin-for-all' : 'cluster-admin'
    notes.found(rule, binding, `${holders.join(', ')}: ${binding.role}`)
  }
}

/** cluster-admin, and what is the same under another name. */
async function almightyRoles(cluster: Cluster, notes: Notes): Promise<string[]> {
  const answer = await cluster.kubectl(['get', 'clusterroles.rbac.authorization.k8s.io', '-o', 'json'])
  if (!answer.ok) {
    notes.unseen('roles that are cluster-admin under another name', needed(answer, 'list on clusterroles'))
    return ['cluster-admin']
  }
  const isAlmighty = ({ verbs = [], apiGroups = [], resources = [] }: Rule): boolean =>
    [verbs, apiGroups, resources].every((list) => list.includes('*'))
  return (parsed<ClusterRoles>(answer.text)?.items ?? [])
    .filter(({ rules }) => rules?.some(isAlmighty) === true)
    .map(({ metadata }) => metadata.name)
}
