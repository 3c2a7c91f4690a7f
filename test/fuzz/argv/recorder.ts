import type { IncomingMessage } from 'node:http'
import { startTlsServer } from '../../fixtures/tls-server.ts'
import type { TlsServer } from '../../fixtures/tls-server.ts'

/** One request, as an API server sees it. */
export interface Seen {
  readonly cluster: string
  readonly token: string | undefined
  readonly path: string
  readonly streams: boolean
}

const kinds = [
  ['pods', 'pod', 'po', 'Pod'],
  ['services', 'service', 'svc', 'Service'],
  ['configmaps', 'configmap', 'cm', 'ConfigMap'],
] as const
const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']

const discovery: Readonly<Record<string, object>> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: kinds.map(([name, singularName, short, kind]) => ({
      name,
      singularName,
      kind,
      verbs,
      namespaced: true,
      shortNames: [short],
      categories: ['all'],
    })),
  },
  '/version': { major: '1', minor: '35', gitVersion: 'v1.35.0' },
}

/** Upgrades, watches, logs that are followed: what a lock must be able to end. */
function streams(path: string, { headers }: IncomingMessage): boolean {
  const { pathname, searchParams } = new URL(path, 'http://x')
  const isOn = (name: string): boolean =>
    !['0', 'false', undefined].includes(searchParams.get(name) ?? undefined)
  return (
    headers.upgrade !== undefined ||
    isOn('watch') ||
    isOn('follow') ||
    /\/(exec|attach|portforward|proxy)(\/|$)/.test(pathname)
  )
}

/** What a cluster with one object of each kind and every name says. */
function answer(path: string, method: string): { readonly code: number; readonly body: object } {
  const { pathname } = new URL(path, 'http://x')
  const found = discovery[pathname]
  if (found !== undefined) return { code: 200, body: found }
  const [, namespace = 'default', plural, name, sub] =
    /^\/api\/v1(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(pathname) ?? []
  const kind = kinds.find(([one]) => one === plural)?.[3]
  if (kind === undefined || sub !== undefined || method === 'DELETE')
    return {
      code: 404,
      body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 },
    }
  const object = (one: string): object => ({
    kind,
    apiVersion: 'v1',
    metadata: { name: one, namespace, uid: 'u', resourceVersion: '1', labels: { a: 'b' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
    status: { phase: 'Running', containerStatuses: [{ name: 'c', ready: true, state: { running: {} } }] },
  })
  if (name !== undefined) return { code: 200, body: object(name) }
  return {
    code: 200,
    body: { kind: `${kind}List`, apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [object('x')] },
  }
}

/**
 * API servers on loopback that take down who asks for what: over TLS, since kubectl shows no credential without. One for each cluster, since `--raw` forgets the path of a
 * server.
 */
export class Recorder {
  readonly #servers = new Map<string, TlsServer>()
  #seen: Seen[] = []

  async listen(clusters: readonly string[]): Promise<void> {
    for (const cluster of clusters) {
      const served = await startTlsServer()
      served.server.on('request', (request, reply) => {
        const isStream = this.#note(cluster, request)
        const { code, body } = answer(request.url ?? '/', request.method ?? '')
        reply.writeHead(code, { 'Content-Type': 'application/json' })
        reply.end(isStream ? '' : JSON.stringify(body))
      })
      served.server.on('upgrade', (request, socket) => {
        this.#note(cluster, request)
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      })
      this.#servers.set(cluster, served)
    }
  }

  address(cluster: string): string {
    return this.#servers.get(cluster)?.address ?? ''
  }

  /** @returns the cluster at an address, whatever path follows */
  clusterAt(address: string): string | undefined {
    return [...this.#servers.keys()].find((cluster) => address.startsWith(this.address(cluster)))
  }

  /** What came since this was asked last. */
  take(): readonly Seen[] {
    const seen = this.#seen
    this.#seen = []
    return seen
  }

  async close(): Promise<void> {
    for (const served of this.#servers.values()) await served.close()
  }

  /** @returns whether it streams */
  #note(cluster: string, request: IncomingMessage): boolean {
    const path = request.url ?? '/'
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1]
    const isStream = streams(path, request)
    this.#seen.push({ cluster, token, path, streams: isStream })
    request.resume()
    return isStream
  }
}
