/** What each kubelet would say: one as it comes, one set to close idle streams sooner. */
const streamingConnectionIdleTimeout: Readonly<Record<string, string>> = {
  'node-0': '4h0m0s',
  'node-1': '5m0s',
}

/** @returns the answer of a node’s kubelet at /configz, through the API server; undefined for another path. */
export function kubeletSettings(path: string): Record<string, unknown> | undefined {
  const [, node = ''] = /^\/api\/v1\/nodes\/([^/]+)\/proxy\/configz$/.exec(path) ?? []
  const timeout = streamingConnectionIdleTimeout[node]
  if (timeout === undefined) return undefined
  const kubeletconfig = {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    streamingConnectionIdleTimeout: timeout,
  }
  return { kubeletconfig }
}
