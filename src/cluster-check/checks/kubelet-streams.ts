import { needed, parsed } from '../cluster.ts'
import type { Cluster } from '../cluster.ts'
import { goDurationMs } from '../control-plane.ts'
import type { Notes } from '../report.ts'

const what = 'the kubelets’ time-out of streams'
/** Nodes of one pool are set alike: of a large cluster some tell enough. */
const mostNodes = 10
const longestMs = 15 * 60_000

/** Each kubelet says at /configz what it runs with. */
export async function checkKubeletStreams(cluster: Cluster, notes: Notes): Promise<void> {
  const nodes = await cluster.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])
  if (!nodes.ok) return notes.unseen(what, needed(nodes, 'list on nodes'))
  const names = nodes.text.split(' ').filter(Boolean)
  if (names.length > mostNodes)
    notes.unseen(`${what} of ${names.length - mostNodes} more nodes`, `no more than ${mostNodes} are asked`)
  for (const name of names.slice(0, mostNodes)) await checkNode(cluster, notes, name)
}

async function checkNode(cluster: Cluster, notes: Notes, name: string): Promise<void> {
  const path = `/api/v1/nodes/${encodeURIComponent(name)}/proxy/configz`
  const answer = await cluster.kubectl(['get', '--raw', path])
  if (!answer.ok) return notes.unseen(`${what} at ${name}`, needed(answer, 'get on nodes/proxy'))
  const field = 'streamingConnectionIdleTimeout'
  const text = parsed<{ kubeletconfig?: Record<string, string> }>(answer.text)?.kubeletconfig?.[field] ?? ''
  const timeoutMs = goDurationMs(text)
  if (timeoutMs === undefined) return notes.unseen(`${what} at ${name}`, `an answer that says ${field}`)
  const place = { kind: 'node', name }
  if (timeoutMs === 0) notes.found('kubelet-streams', place, `${field}: ${text}, which is never`, 'high')
  else if (timeoutMs > longestMs) notes.found('kubelet-streams', place, `${field}: ${text}`)
}
