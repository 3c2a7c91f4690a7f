import { needed, parsed } from './cluster.ts'
import type { Cluster } from './cluster.ts'

export interface Subject {
  readonly kind: string
  readonly name: string
  readonly namespace?: string
}

/** A ClusterRoleBinding, or where it has a namespace a RoleBinding. */
export interface Binding {
  readonly kind: 'clusterrolebinding' | 'rolebinding'
  readonly name: string
  readonly namespace: string | undefined
  /** `ClusterRole view` */
  readonly role: string
  readonly roleKind: string
  readonly roleName: string
  readonly subjects: readonly Subject[]
}

export interface Bindings {
  readonly all: readonly Binding[]
  /** What it would take to see those of the cluster, and those of namespaces, where they are not to be seen. */
  readonly needs: { readonly cluster: string | undefined; readonly namespaces: string | undefined }
}

interface Listed {
  readonly items?: readonly {
    readonly metadata: { readonly name: string; readonly namespace?: string }
    readonly roleRef: { readonly kind: string; readonly name: string }
    readonly subjects?: readonly Subject[]
  }[]
}

/** Everything that RBAC binds, as far as this person may see it. */
export async function readBindings(cluster: Cluster): Promise<Bindings> {
  const [inCluster, inNamespaces] = await Promise.all([
    cluster.kubectl(['get', 'clusterrolebindings.rbac.authorization.k8s.io', '-o', 'json']),
    cluster.kubectl(['get', 'rolebindings.rbac.authorization.k8s.io', '-A', '-o', 'json']),
  ])
  return {
    all: [
      ...(inCluster.ok ? bindingsOf(inCluster.text, 'clusterrolebinding') : []),
      ...(inNamespaces.ok ? bindingsOf(inNamespaces.text, 'rolebinding') : []),
    ],
    needs: {
      cluster: inCluster.ok ? undefined : needed(inCluster, 'list on clusterrolebindings'),
      namespaces: inNamespaces.ok ? undefined : needed(inNamespaces, 'list on rolebindings'),
    },
  }
}

function bindingsOf(text: string, kind: Binding['kind']): Binding[] {
  return (parsed<Listed>(text)?.items ?? []).map(({ metadata, roleRef, subjects = [] }) => ({
    kind,
    name: metadata.name,
    namespace: metadata.namespace,
    role: `${roleRef.kind} ${roleRef.name}`,
    roleKind: roleRef.kind,
    roleName: roleRef.name,
    subjects,
  }))
}

/** `group system:masters`, `serviceaccount kube-system/x` */
export function holdersIn({ subjects }: Pick<Binding, 'subjects'>): string[] {
  return subjects.map(({ kind, name, namespace }) =>
    namespace === undefined || namespace === ''
      ? `${kind.toLowerCase()} ${name}`
      : `${kind.toLowerCase()} ${namespace}/${name}`,
  )
}

/** The names that the API server gives to who shows no credential. */
export const isAnonymous = (holder: string): boolean =>
  ['user system:anonymous', 'group system:unauthenticated'].includes(holder)

/** Everybody, or every pod of the cluster or of a namespace. */
export const isEverybody = (holder: string): boolean =>
  isAnonymous(holder) ||
  holder === 'group system:authenticated' ||
  /^group system:serviceaccounts(:|$)/.test(holder)
