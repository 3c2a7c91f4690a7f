import { resources } from './resource-catalogue.ts'
import type { Resource, Subresource } from './resource-catalogue.ts'

/** The groups beside the core one, which only answer questions: their resources can be created, nothing else. */
const reviewGroups = [
  { name: 'authentication.k8s.io', reviews: ['SelfSubjectReview'] },
  { name: 'authorization.k8s.io', reviews: ['SelfSubjectAccessReview', 'SelfSubjectRulesReview'] },
]

export const versionInfo = {
  major: '1',
  minor: '35',
  gitVersion: 'v1.35.0+kubeguard-playground',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
}

/** @returns the document at a discovery path without the aggregated form (`/api`, `/apis/GROUP`, …), if it is one. */
export function discoveryDocument(path: string): Record<string, unknown> | undefined {
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: reviewGroups.map(groupOf) }
  if (path === '/api/v1') return resourceList('v1', resources.flatMap(coreEntries))
  for (const group of reviewGroups) {
    if (path === `/apis/${group.name}`) return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group) }
    if (path === `/apis/${group.name}/v1`) {
      return resourceList(`${group.name}/v1`, group.reviews.map((kind) => reviewEntry(kind)))
    }
  }
  return undefined
}

/**
 * @param version `v2`, or `v2beta1` for clients before Kubernetes 1.30.
 * @returns the aggregated document for `/api` or `/apis`.
 */
export function aggregatedDiscovery(path: '/api' | '/apis', version: string): Record<string, unknown> {
  const groups = reviewGroups.map(({ name, reviews }) =>
    aggregatedGroup({ name }, reviews.map((kind) => aggregatedReview(name, kind))),
  )
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: path === '/apis' ? groups : [aggregatedGroup({}, resources.map(aggregatedResource))],
  }
}

function groupOf({ name }: { name: string }): Record<string, unknown> {
  const version = { groupVersion: `${name}/v1`, version: 'v1' }
  return { name, versions: [version], preferredVersion: version }
}

function resourceList(groupVersion: string, entries: readonly object[]): Record<string, unknown> {
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: entries }
}

function coreEntries(resource: Resource): object[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = resource
  const entry = { name: plural, singularName: singular, namespaced, kind, verbs, shortNames, categories }
  return [entry, ...resource.subresources.map((sub) => subresourceEntry(resource, sub))]
}

function subresourceEntry({ plural, namespaced }: Resource, { name, kind, verbs }: Subresource): object {
  return { name: `${plural}/${name}`, singularName: '', namespaced, kind, verbs }
}

function reviewEntry(kind: string): object {
  const singularName = kind.toLowerCase()
  return { name: `${singularName}s`, singularName, namespaced: false, kind, verbs: ['create'] }
}

function aggregatedGroup(metadata: object, list: readonly object[]): object {
  return { metadata, versions: [{ version: 'v1', resources: list, freshness: 'Current' }] }
}

function aggregatedResource(resource: Resource): object {
  return {
    resource: resource.plural,
    responseKind: { group: '', version: 'v1', kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    shortNames: resource.shortNames,
    categories: resource.categories,
    subresources: resource.subresources.map(({ name, kind, verbs }) => ({
      subresource: name,
      responseKind: { group: '', version: 'v1', kind },
      verbs,
    })),
  }
}

function aggregatedReview(group: string, kind: string): object {
  return {
    resource: `${kind.toLowerCase()}s`,
    responseKind: { group, version: 'v1', kind },
    scope: 'Cluster',
    singularResource: kind.toLowerCase(),
    verbs: ['create'],
  }
}
