import { isDeepStrictEqual } from 'node:util'
import type { Upstream } from '../domain/upstream.ts'
import { classifyUser } from '../platform/kubeconfig/classify-user.ts'
import type { Edit } from '../platform/kubeconfig/edit-kubeconfig.ts'
import type { ContextEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { GatewayPlace } from '../platform/vault/gateway-identity.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import { baseOf, behindGateway, isGatewayOf, upstreamOf } from './behind-gateway.ts'
import type { BehindGateway } from './behind-gateway.ts'
import { contextsOf, namesOf } from './load-files.ts'
import type { ContextPlace, LoadedFile } from './load-files.ts'
import type { Original } from './original.ts'
import type { Restoration } from './plan-restore.ts'

/** How a policy wants its clients to come by credentials; `place`: where its gateway is. */
export type WantedAccess =
  | { readonly policy: string; readonly access: 'plugin' }
  | { readonly policy: string; readonly access: 'gateway'; readonly place: GatewayPlace }

/** What takes the contexts of one user behind the gateway, or out from behind it. */
export type Way = BehindGateway & { readonly pointed: readonly ContextEntry[] }

/** Does one of these contexts lead where the policy does not want it to any more? */
export const isElsewhere = (contexts: readonly ContextPlace[], { policy, access }: WantedAccess): boolean =>
  contexts.some(({ context }) => isGatewayOf(context.cluster, policy) !== (access === 'gateway'))

/** @returns a problem where that can’t be done in one step, and so not safely */
export function wayOf(
  file: LoadedFile,
  contexts: readonly ContextPlace[],
  wanted: WantedAccess,
): Way | { readonly problem: string } {
  if (wanted.access === 'plugin') return outOfGateway(file, contexts, wanted.policy)
  const behind = behindGateway(file, contexts, wanted)
  return 'problem' in behind ? behind : { ...behind, pointed: [] }
}

function outOfGateway(
  file: LoadedFile,
  contexts: readonly ContextPlace[],
  policy: string,
): Way | { readonly problem: string } {
  const edits: Edit[] = []
  const pointed: ContextEntry[] = []
  const upstreams = new Map<string, Upstream>()
  for (const { file: other, context } of contexts) {
    if (!isGatewayOf(context.cluster, policy)) continue
    if (other !== file)
      return { problem: `context ${context.name} stands in another file: put it into this one` }
    const base = baseOf(file.config, context.cluster, policy)
    if (base === undefined || base.name === context.cluster)
      return {
        problem: `the cluster that ${context.cluster} stands before is not in this file any more: put it back`,
      }
    const upstream = upstreamOf(file, base)
    if (typeof upstream === 'string') return { problem: `cluster ${base.name}: ${upstream}` }
    if (context.clusterNode === undefined)
      return { problem: `the cluster of context ${context.name} stands behind an alias: write it out` }
    upstreams.set(upstream.slug, upstream)
    edits.push({ edit: 'point-cluster', context, cluster: base.name })
    pointed.push(context)
  }
  return { upstreams: [...upstreams.values()], edits, clusters: [], pointed }
}

/** All edits of one file: a cluster is added once, and a gateway goes with the last context that led to it. */
export function editsOf({ config }: LoadedFile, ways: readonly Way[]): Edit[] {
  const pointed = new Set(ways.flatMap((way) => way.pointed))
  const left = new Set([...pointed].map(({ cluster }) => cluster))
  const unused = config.clusters
    .filter(({ name }) => left.has(name))
    .filter(({ name }) => config.contexts.every((one) => one.cluster !== name || pointed.has(one)))
  return [
    ...distinct(ways.flatMap(({ edits }) => edits)),
    ...unused.map((cluster) => ({ edit: 'remove-cluster', cluster }) as const),
  ]
}

/** A cluster that several users lead to is made once. */
export function distinct(edits: readonly Edit[]): Edit[] {
  const added = new Set<string>()
  return edits.filter((edit) => {
    const name =
      edit.edit === 'add-cluster' ? edit.name : edit.edit === 'cluster-fields' ? edit.cluster.name : undefined
    if (name === undefined) return true
    return !added.has(name) && added.add(name)
  })
}

/** One credential that is to be served in another way, or why it can’t be. */
export type Move = AbleMove | { readonly item: VaultItem; readonly problem: string }

export interface AbleMove {
  readonly item: VaultItem
  /** As it is to be sealed before its file is touched; absent where it is sealed so already. */
  readonly sealed?: VaultItem
  readonly file: LoadedFile
  readonly way: Way
}

/** @returns undefined where all is as its policy wants it, or no file names it any more */
export function moveOf(
  files: readonly LoadedFile[],
  { item, original }: Restoration,
  wanted: WantedAccess,
  nowMs: number,
): Move | undefined {
  for (const file of files) {
    const user = file.config.users.find((one) => classifyUser(file.config, one).ours?.credential === item.id)
    if (user === undefined) continue
    const contexts = contextsOf(files, file, user)
    const isSealedSo = (item.upstreams !== undefined) === (wanted.access === 'gateway')
    if (contexts.length === 0 || (isSealedSo && !isElsewhere(contexts, wanted))) return undefined
    const way = wayOf(file, contexts, wanted)
    if ('problem' in way) return { item, problem: way.problem }
    const strange = way.upstreams.find((upstream) => !isSealedPlace(item, upstream))
    if (strange !== undefined)
      return { item, problem: `${strange.server} is not where it led when it was adopted` }
    const sealed = sealedFor(item, original, { contexts: namesOf(contexts), way, nowMs }, wanted)
    return { item, file, way, ...(!isSealedSo && { sealed }) }
  }
  return undefined
}

/** The gateways stay noted, whatever comes: `eject` leads back from them wherever a kill has left the file. */
function sealedFor(
  held: VaultItem,
  original: Original,
  { contexts, way, nowMs }: { contexts: readonly string[]; way: Way; nowMs: number },
  { access }: WantedAccess,
): VaultItem {
  const { upstreams: _, ...item } = held
  const clusters = [...(original.clusters ?? []), ...way.clusters]
  const once = clusters.filter(({ name }, at) => clusters.findIndex((one) => one.name === name) === at)
  return {
    ...item,
    contexts,
    ...(access === 'gateway' && { upstreams: way.upstreams }),
    original: { ...original, ...(once.length > 0 && { clusters: once }) },
    adoptedAtMs: Math.max(nowMs, item.adoptedAtMs + 1),
  }
}

/**
 * Whoever can write the kubeconfig shall not have a credential sent to himself by a move: what was sealed with it decides.
 * Where nothing was (several servers, a proxy, a certificate that nobody checks), the file is believed, as by every client till now.
 */
function isSealedPlace({ upstreams, cluster }: VaultItem, upstream: Upstream): boolean {
  if (upstreams !== undefined)
    return upstreams.some((sealed) => isDeepStrictEqual(plain(sealed), plain(upstream)))
  if (cluster === undefined) return true
  const { server, caPem, tlsServerName, proxyUrl, skipsVerify } = upstream
  return (
    server === cluster.server &&
    caPem === cluster.ca &&
    tlsServerName === cluster.serverName &&
    proxyUrl === undefined &&
    skipsVerify === undefined
  )
}

const plain = (upstream: Upstream): unknown => JSON.parse(JSON.stringify(upstream))
