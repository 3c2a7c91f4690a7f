import { Agent, request } from 'node:https'
import type { ClientRequest } from 'node:http'
import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { Upstream } from '../domain/upstream.ts'
import type { HeldCredential } from '../platform/gateways/start-gateway.ts'
import { joinTarget } from './route.ts'

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
 * One API server with one credential. Connections are never shared with another credential: with a client
 * certificate the connection itself is who one is.
 */
export class Destination {
  readonly #server: URL
  readonly #agent: Agent
  readonly #authorization: readonly string[]
  readonly #host: string

  /** @throws TypeError for a server that is no URL */
  constructor(upstream: Upstream, credential: HeldCredential) {
    this.#server = new URL(upstream.server)
    this.#host = this.#server.hostname.replace(/^\[|\]$/g, '')
    this.#authorization =
      credential.token === undefined ? [] : ['Authorization', `Bearer ${credential.token}`]
    this.#agent = new Agent({
      keepAlive: true,
      maxFreeSockets: mostIdle,
      timeout: idleMs,
      scheduling: 'lifo',
      ...tlsOptions(upstream, credential, this.#host),
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
    const { port, host } = this.#server
    const begun = request({
      agent: this.#agent,
      host: this.#host,
      port: port === '' ? 443 : Number(port),
      method,
      path: joinTarget(this.#server, target),
      // An array: Node adds nothing and joins nothing.
      headers: ['Host', host, ...headers, ...this.#authorization] as never,
    })
    // A stream may be silent for as long as it likes.
    begun.setTimeout(0)
    if (upgrades) begun.shouldKeepAlive = false
    return begun
  }

  close(): void {
    this.#agent.destroy()
  }
}

function tlsOptions(upstream: Upstream, credential: HeldCredential, host: string): ConnectionOptions {
  const name = upstream.tlsServerName ?? (isIP(host) === 0 ? host : undefined)
  return {
    ALPNProtocols: ['http/1.1'],
    ...(name !== undefined && { servername: name }),
    ...(upstream.caPem !== undefined && { ca: upstream.caPem }),
    ...(upstream.skipsVerify === true && { rejectUnauthorized: false }),
    ...(credential.clientCertificateData !== undefined && { cert: credential.clientCertificateData }),
    ...(credential.clientKeyData !== undefined && { key: credential.clientKeyData }),
  }
}
