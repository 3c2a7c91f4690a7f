import { Agent, request } from 'node:https'
import type { ClientRequest } from 'node:http'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import type { Upstream } from '../domain/upstream.ts'
import type { HeldCredential } from '../platform/gateways/start-gateway.ts'
import { joinTarget } from './route.ts'
import { WatchConnections } from './watch-connections.ts'
import type { WatchStream } from './watch-connections.ts'

/** What is to be asked of an API server. */
export interface UpstreamRequest {
  readonly method: string
  readonly target: string
  /** Without host and credential, which are added here. */
  readonly headers: readonly string[]
}

/** Requests that are idle are kept for the next for so long; API servers keep them for longer. */
const idleMs = 30_000
const mostIdle = 32

/**
 * All of its connections are alike. Node's own name for a connection quotes every certificate, and is made anew and looked up for
 * each request.
 */
class AgentOfOne extends Agent {
  override getName(): string {
    return 'one'
  }
}

/**
 * One API server with one credential. Connections are never shared with another credential: with a client
 * certificate the connection itself is who one is.
 */
export class Destination {
  readonly #server: URL
  readonly #agent: Agent
  readonly #watches: WatchConnections | undefined
  readonly #authorization: readonly string[]
  readonly #host: string

  /** @throws TypeError for a server that is no URL */
  constructor(upstream: Upstream, credential: HeldCredential) {
    this.#server = new URL(upstream.server)
    this.#host = this.#server.hostname.replace(/^\[|\]$/g, '')
    this.#authorization =
      credential.token === undefined ? [] : ['Authorization', `Bearer ${credential.token}`]
    const tls = tlsOptions(upstream, credential, this.#host)
    // The way through a proxy is the agent's alone.
    if (upstream.proxyUrl === undefined)
      this.#watches = new WatchConnections({ ...tls, host: this.#host, port: portOf(this.#server) })
    this.#agent = new AgentOfOne({
      ...tls,
      ALPNProtocols: ['http/1.1'],
      keepAlive: true,
      maxFreeSockets: mostIdle,
      // Ends a connection only while it is idle: a stream may be silent for as long as it likes.
      timeout: idleMs,
      scheduling: 'lifo',
      ...(upstream.proxyUrl !== undefined && {
        proxyEnv: { HTTPS_PROXY: upstream.proxyUrl, https_proxy: upstream.proxyUrl },
      }),
    })
  }

  /**
   * Begins a request whose head is sent at once.
   * @param upgrades on a connection of its own
   */
  begin({ method, target, headers }: UpstreamRequest, { upgrades = false } = {}): ClientRequest {
    const begun = request({
      agent: this.#agent,
      host: this.#host,
      port: portOf(this.#server),
      method,
      path: joinTarget(this.#server, target),
      // An array: Node adds nothing and joins nothing.
      headers: ['Host', this.#server.host, ...headers, ...this.#authorization] as never,
    })
    if (upgrades) begun.shouldKeepAlive = false
    return begun
  }

  /**
   * Begins a watch on a connection that it shares.
   *
   * @returns undefined where that can't be; then `begin` can
   * @throws Error where the API server can't be reached, or is not who it should be
   */
  async beginWatch({ method, target, headers }: UpstreamRequest): Promise<WatchStream | undefined> {
    return this.#watches?.begin({
      method,
      path: joinTarget(this.#server, target),
      authority: this.#server.host,
      headers: [...headers, ...this.#authorization],
    })
  }

  close(): void {
    this.#agent.destroy()
    this.#watches?.close()
  }
}

const portOf = ({ port }: URL): number => (port === '' ? 443 : Number(port))

function tlsOptions(upstream: Upstream, credential: HeldCredential, host: string): ConnectionOptions {
  const name = upstream.tlsServerName ?? (isIP(host) === 0 ? host : undefined)
  return {
    ...(name !== undefined && { servername: name }),
    ...(upstream.skipsVerify === true && { rejectUnauthorized: false }),
    // One for all connections: else each would read the certificates anew, and keep them.
    secureContext: createSecureContext({
      ...(upstream.caPem !== undefined && { ca: upstream.caPem }),
      ...(credential.clientCertificateData !== undefined && { cert: credential.clientCertificateData }),
      ...(credential.clientKeyData !== undefined && { key: credential.clientKeyData }),
    }),
  }
}
