import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { isGiven } from '../domain/given-credential.ts'
import type { PolicySet } from '../domain/policy.ts'
import type { Upstream } from '../domain/upstream.ts'
import type { Edit } from '../platform/kubeconfig/edit-kubeconfig.ts'
import { scalarText, nodeValue } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { ClusterEntry, Kubeconfig } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { GatewayPlace } from '../platform/vault/gateway-identity.ts'
import { rulesOf } from './adoption-advice.ts'
import type { ContextPlace, LoadedFile } from './load-files.ts'
import type { MovedCluster } from './original.ts'
import { slugOf } from './credential-facts.ts'
import type { PolicyName } from './placement.ts'
import { readSmallFile } from './read-file.ts'
import { referencedPath } from './read-secrets.ts'
import type { Secrets } from './read-secrets.ts'
import type { Share } from './shares.ts'

/** What puts the contexts of one user behind the gateway of one policy. */
export interface BehindGateway {
  readonly upstreams: readonly Upstream[]
  readonly edits: readonly Edit[]
  /** Which cluster each of their contexts had before. */
  readonly clusters: readonly MovedCluster[]
}

/** Where the gateway of each policy is; the policies that have one. */
export type Gateways = ReadonlyMap<string, GatewayPlace>

/** The rules of a policy decide; what has left the file has none. A log-in's has no vault to keep a gateway's authority. */
export function wantsGateway(policies: PolicySet, { name }: PolicyName): boolean {
  const rules = rulesOf(policies, name)
  return rules?.access === 'gateway' && !isGiven(rules.unlock)
}

/**
 * Which of them go behind a gateway; none where an exec plugin gives the credential: that comes from the client, and goes
 * there. One that can’t be put there keeps all of them from being adopted.
 */
export function sharesBehind(
  file: LoadedFile,
  shares: readonly Share[],
  { exec }: Pick<Secrets, 'exec'>,
  { policies, gateways }: { readonly policies: PolicySet; readonly gateways: Gateways },
): readonly Share[] | { readonly problem: string } {
  if (exec !== undefined) return shares
  const all: Share[] = []
  for (const share of shares) {
    const { policy, contexts } = share
    const place = wantsGateway(policies, policy) ? gateways.get(policy.name) : undefined
    const behind = place && behindGateway(file, contexts, { policy: policy.name, place })
    if (behind !== undefined && 'problem' in behind) return behind
    all.push(behind === undefined ? share : { ...share, behind })
  }
  return all
}

/** What a person would take for granted of a gateway, and is not so. */
export function adviceOnGateway(
  policies: PolicySet,
  { policy, behind }: Pick<Share, 'policy' | 'behind'>,
  { exec }: Pick<Secrets, 'exec'>,
): string[] {
  const unverified = (behind?.upstreams ?? []).filter(({ skipsVerify }) => skipsVerify === true)
  return [
    ...(exec !== undefined && wantsGateway(policies, policy)
      ? ['access: gateway does not reach what its exec plugin gives: that is handed to the client']
      : []),
    ...unverified.map(
      ({ server }) => `nobody looks who ${server} is (insecure-skip-tls-verify), the gateway neither`,
    ),
  ]
}

/**
 * Beside each cluster another one is put that is the gateway, and the contexts are pointed to it: the first stays as it is,
 * for other users’ contexts and for eject. What is behind the gateway is read now, and sealed with the credential: nobody
 * who writes to the file later can have it sent elsewhere.
 *
 * @returns a problem where that can’t be done in one step, and so not safely
 */
export function behindGateway(
  file: LoadedFile,
  contexts: readonly ContextPlace[],
  { policy, place }: { readonly policy: string; readonly place: GatewayPlace },
): BehindGateway | { readonly problem: string } {
  const edits: Edit[] = []
  const moved = new Map<string, MovedCluster>()
  const upstreams = new Map<string, Upstream>()
  for (const { file: other, context } of contexts) {
    if (other !== file)
      return { problem: `context ${context.name} stands in another file: put it into this one` }
    const base = baseOf(file.config, context.cluster, policy)
    if (base === undefined)
      return {
        problem: `cluster ${context.cluster} of context ${context.name} is not in this file: put it there`,
      }
    const upstream = upstreamOf(file, base)
    if (typeof upstream === 'string') return { problem: `cluster ${base.name}: ${upstream}` }
    const name = gatewayName(base.name, policy)
    if (!upstreams.has(upstream.slug))
      edits.push(...clusterEdits(file.config, base, name, fieldsOf(place, upstream)))
    upstreams.set(upstream.slug, upstream)
    moved.set(name, { base: base.name, name })
    if (context.cluster === name) continue
    if (context.clusterNode === undefined)
      return { problem: `the cluster of context ${context.name} stands behind an alias: write it out` }
    edits.push({ edit: 'point-cluster', context, cluster: name })
  }
  return { upstreams: [...upstreams.values()], edits, clusters: [...moved.values()] }
}

const gatewayName = (base: string, policy: string): string => `${base}-kubeguard-${policy}`

/** Is a cluster of this name the gateway of this policy? */
export const isGatewayOf = (cluster: string, policy: string): boolean =>
  cluster.endsWith(gatewayName('', policy))

/** A context that was moved before has the gateway as its cluster. */
export function baseOf(config: Kubeconfig, cluster: string, policy: string): ClusterEntry | undefined {
  const named = (name: string): ClusterEntry | undefined =>
    config.clusters.find((candidate) => candidate.name === name)
  const suffix = gatewayName('', policy)
  const before = cluster.endsWith(suffix) ? named(cluster.slice(0, -suffix.length)) : undefined
  return before ?? named(cluster)
}

const fieldsOf = ({ port, caPem }: GatewayPlace, { slug }: Upstream): Record<string, string> => ({
  'server': `https://127.0.0.1:${port}/${slug}`,
  'certificate-authority-data': Buffer.from(caPem).toString('base64'),
})

function clusterEdits(
  config: Kubeconfig,
  base: ClusterEntry,
  name: string,
  fields: Record<string, string>,
): Edit[] {
  const made = config.clusters.find((candidate) => candidate.name === name)
  if (made === undefined) return [{ edit: 'add-cluster', after: base, name, fields }]
  const has = Object.fromEntries([...made.fields].map(([key, { node }]) => [key, nodeValue(config, node)]))
  if (isDeepStrictEqual(has, fields)) return []
  return [{ edit: 'cluster-fields', cluster: made, remove: [...made.fields.keys()], add: fields }]
}

/** @returns why the gateway can’t stand before it */
export function upstreamOf({ config, snapshot }: LoadedFile, cluster: ClusterEntry): Upstream | string {
  const text = (name: string): string => scalarText(cluster.fields.get(name))
  const server = text('server')
  if (!isHttps(server)) return 'a gateway needs an https server'
  const proxyUrl = text('proxy-url')
  if (proxyUrl !== '' && !/^https?:\/\//i.test(proxyUrl))
    return 'a gateway takes http and https proxies alone'
  const caPem = authorityOf(config, text('certificate-authority-data'), text('certificate-authority'))
  if (typeof caPem === 'object') return caPem.problem
  const tlsServerName = text('tls-server-name')
  const hash = createHash('sha256').update(`${snapshot.real}\0${cluster.name}`).digest('hex').slice(0, 8)
  return {
    slug: `${slugOf(cluster.name, 'cluster')}-${hash}`,
    server,
    ...(caPem !== undefined && { caPem }),
    ...(tlsServerName !== '' && { tlsServerName }),
    ...(proxyUrl !== '' && { proxyUrl }),
    ...(text('insecure-skip-tls-verify') === 'true' && { skipsVerify: true }),
  }
}

const isHttps = (server: string): boolean => URL.parse(server)?.protocol === 'https:'

/** Inline data wins over a file, as in client-go (rest/config.go). */
function authorityOf(
  config: Kubeconfig,
  data: string,
  named: string,
): string | undefined | { problem: string } {
  if (data !== '') return Buffer.from(data, 'base64').toString()
  if (named === '') return undefined
  const path = referencedPath(config.path, named)
  return readSmallFile(path) ?? { problem: `${path} can’t be read` }
}
