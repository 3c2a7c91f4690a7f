export type Verb = 'create' | 'delete' | 'get' | 'list' | 'patch' | 'update' | 'watch'

/** One kind of object that the playground serves, as discovery describes it. All are in the core group, v1. */
export interface Resource {
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly verbs: readonly Verb[]
  readonly subresources: readonly Subresource[]
}

export interface Subresource {
  readonly name: string
  readonly kind: string
  readonly verbs: readonly Verb[]
}

const readOnly: readonly Verb[] = ['get', 'list', 'watch']
const writable: readonly Verb[] = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']
const streaming: readonly Verb[] = ['create', 'get']

const podSubresources: readonly Subresource[] = [
  { name: 'log', kind: 'Pod', verbs: ['get'] },
  { name: 'exec', kind: 'PodExecOptions', verbs: streaming },
  { name: 'attach', kind: 'PodAttachOptions', verbs: streaming },
  { name: 'portforward', kind: 'PodPortForwardOptions', verbs: streaming },
]

/** Everything with state that the playground serves. */
export const resources: readonly Resource[] = [
  define('namespaces', 'Namespace', ['ns'], readOnly, { namespaced: false }),
  define('nodes', 'Node', ['no'], readOnly, { namespaced: false }),
  define('pods', 'Pod', ['po'], writable, { categories: ['all'], subresources: podSubresources }),
  define('configmaps', 'ConfigMap', ['cm'], writable),
  define('secrets', 'Secret', [], writable),
  define('services', 'Service', ['svc'], readOnly, { categories: ['all'] }),
  define('events', 'Event', ['ev'], readOnly),
]

/** @returns the resource with this plural name, or undefined. */
export function resourceNamed(plural: string): Resource | undefined {
  return resources.find((resource) => resource.plural === plural)
}

function define(
  plural: string,
  kind: string,
  shortNames: readonly string[],
  verbs: readonly Verb[],
  more: Partial<Pick<Resource, 'namespaced' | 'categories' | 'subresources'>> = {},
): Resource {
  const defaults = { namespaced: true, categories: [], subresources: [] }
  return { plural, singular: kind.toLowerCase(), kind, shortNames, verbs, ...defaults, ...more }
}
