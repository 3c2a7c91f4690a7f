import { resources } from './resource-catalogue.ts'
import type { Resource, Subresource } from './resource-catalogue.ts'

/** The groups beside the core one, which only answer questions: their resources can be created, nothing else. */
const reviewGroups: readonly ReviewGroup[] = [
  // `kubectl auth whoami` before 1.28 knows v1beta1 only.
  { name: 'authentication.k8s.io', versions: ['v1', 'v1beta1'], reviews: ['SelfSubjectReview'] },
  {
    name: 'authorization.k8s.io',
    versions: ['v1'],
    reviews: ['SelfSubjectAccessReview', 'SelfSubjectRulesReview'],
  },
]

interface ReviewGroup {
  readonly name: string
  readonly versions: readonly string[]
  readonly reviews: readonly string[]
}

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
    const version = group.versions.find((known) => path === `/apis/${group.name}/${known}`)
    if (version !== undefined) return resourceList(`${group.name}/${version}`, group.reviews.map(reviewEntry))
  }
  return undefined
}

/**
 * @param version `v2`, or `v2beta1` for clients before Kubernetes 1.30.
 * @returns the aggregated document for `/api` or `/apis`.
 */
export function aggregatedDiscovery(path: '/api' | '/apis', version: string): Record<string, unknown> {
  const core = { metadata: {}, versions: [aggregatedVersion('v1', resources.map(aggregatedResource))] }
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: path === '/apis' ? reviewGroups.map(aggregatedGroup) : [core],
  }
}

function groupOf({ name, versions }: ReviewGroup): Record<string, unknown> {
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: entries, preferredVersion: entries[0] }
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

function aggregatedGroup({ name, versions, reviews }: ReviewGroup): object {
  const entries = (version: string): object[] => reviews.map((kind) => aggregatedReview(name, version, kind))
  return {
    metadata: { name },
    versions: versions.map((version) => aggregatedVersion(version, entries(version))),
  }
}

function aggregatedVersion(version: string, list: readonly object[]): object {
  return { version, resources: list, freshness: 'Current' }
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

function aggregatedReview(group: string, version: string, kind: string): object {
  return {
    resource: `${kind.toLowerCase()}s`,
    responseKind: { group, version, kind },
    scope: 'Cluster',
    singularResource: kind.toLowerCase(),
    verbs: ['create'],
  }
}
