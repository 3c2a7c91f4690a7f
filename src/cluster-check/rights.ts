import { parsed } from './cluster.ts'
import type { Cluster } from './cluster.ts'

/** A rule of RBAC, and of a SelfSubjectRulesReview. */
export interface Rule {
  readonly verbs?: readonly string[]
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
}

export interface Rights {
  readonly rules: readonly Rule[]
  /** An authorizer other than RBAC has more to say, and does not list it. */
  readonly incomplete: boolean
}

/** `apps/deployments`; the core group has no name. */
export interface Right {
  readonly verb: string
  readonly group: string
  readonly resource: string
}

const path = '/apis/authorization.k8s.io/v1'

/**
 * What this credential may do in a namespace. Of a namespace that is not there it is what it may do in all of them.
 *
 * @returns undefined where the API server does not say
 */
export async function rightsIn(cluster: Cluster, namespace: string): Promise<Rights | undefined> {
  const kind = 'SelfSubjectRulesReview'
  const answer = await create(cluster, 'selfsubjectrulesreviews', kind, { namespace })
  const status = parsed<{ status?: { resourceRules?: Rule[]; incomplete?: boolean } }>(answer ?? '')?.status
  if (status === undefined) return undefined
  return { rules: status.resourceRules ?? [], incomplete: status.incomplete ?? false }
}

/** Asks for one right; whatever the authorizer is, it has to answer this. An empty namespace is all of them. */
export async function mayI(cluster: Cluster, right: Right, namespace: string): Promise<boolean> {
  const [resource, subresource] = right.resource.split('/')
  const resourceAttributes = { verb: right.verb, group: right.group, resource, subresource, namespace }
  const answer = await create(cluster, 'selfsubjectaccessreviews', 'SelfSubjectAccessReview', {
    resourceAttributes,
  })
  return parsed<{ status?: { allowed?: boolean } }>(answer ?? '')?.status?.allowed === true
}

/** Reviews are asked by making one; the API server keeps none. */
async function create(
  cluster: Cluster,
  plural: string,
  kind: string,
  spec: object,
): Promise<string | undefined> {
  const review = JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind, spec })
  const answer = await cluster.kubectl(['create', '--raw', `${path}/${plural}`, '-f', '-'], review)
  return answer.ok ? answer.text : undefined
}

/** @returns whether one of the rules gives the right for every object, not only for named ones. */
export function gives({ rules }: Rights, { verb, group, resource }: Right): boolean {
  const has = (list: readonly string[] = [], wanted: string): boolean =>
    list.includes(wanted) || list.includes('*')
  const sub = resource.replace(/^[^/]*/, '*')
  return rules.some(
    ({ verbs, apiGroups, resources, resourceNames = [] }) =>
      resourceNames.length === 0 &&
      has(verbs, verb) &&
      has(apiGroups, group) &&
      (has(resources, resource) || (resource.includes('/') && has(resources, sub))),
  )
}
