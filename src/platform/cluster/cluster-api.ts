import { Agent, request } from 'node:https'
import { getCACertificates } from 'node:tls'

/** An API server, and whom to believe that it is it. */
export interface ClusterPlace {
  /** `https://HOST[:PORT][/PREFIX]` */
  readonly server: string
  /** PEM; absent: the authorities of the runtime and of this machine. */
  readonly ca?: string | undefined
  /** The name in its certificate, where that is not the host's. */
  readonly serverName?: string | undefined
}

/** What is shown to it. */
export interface ClusterProof {
  readonly token?: string | undefined
  /** PEM, both or none. */
  readonly clientCertificateData?: string | undefined
  readonly clientKeyData?: string | undefined
}

export interface ClusterReply {
  readonly status: number
  /** Undefined where it is no JSON. */
  readonly body: unknown
}

/** Our longest answer is a list of a few hundred small objects. */
const mostBytes = 8 * 1024 * 1024
const withinMs = 8_000

/** It did not answer: nobody knows whether the request was carried out. `code` says why, and quotes nothing. */
export class ClusterUnreachable extends Error {
  readonly code: string

  constructor(error: unknown) {
    const { code } = error as NodeJS.ErrnoException
    super('the API server does not answer')
    this.code = typeof code === 'string' ? code : 'ENOANSWER'
  }
}

/**
 * A few requests to one API server, for a process that holds its credential: no redirect is followed, no proxy used, no
 * environment read, nothing logged.
 */
export class ClusterApi {
  readonly #base: URL
  readonly #agent: Agent
  readonly #token: string | undefined

  constructor(place: ClusterPlace, proof: ClusterProof) {
    this.#base = new URL(place.server)
    this.#token = proof.token
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 8,
      minVersion: 'TLSv1.2',
      ca: place.ca ?? [...getCACertificates('bundled'), ...getCACertificates('system')],
      cert: proof.clientCertificateData,
      key: proof.clientKeyData,
      ...(place.serverName !== undefined && { servername: place.serverName }),
    })
  }

  /**
   * @param path begins with `/`; the server's own prefix is put before it
   * @throws ClusterUnreachable
   */
  send(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<ClusterReply> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const { promise, resolve, reject } = Promise.withResolvers<ClusterReply>()
    const fail = (error: unknown): void => reject(new ClusterUnreachable(error))
    const sent = request(
      {
        protocol: 'https:',
        hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port === '' ? 443 : this.#base.port,
        path: this.#base.pathname.replace(/\/$/, '') + path,
        method,
        agent: this.#agent,
        signal: AbortSignal.timeout(withinMs),
        headers: {
          'Accept': 'application/json',
          'User-Agent': 'kubeguard',
          ...(this.#token !== undefined && { Authorization: `Bearer ${this.#token}` }),
          ...(text !== undefined && {
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(text),
          }),
        },
      },
      (reply) => {
        const chunks: Buffer[] = []
        let bytes = 0
        reply.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > mostBytes) sent.destroy(Object.assign(new Error('too long'), { code: 'E2BIG' }))
          else chunks.push(chunk)
        })
        reply.on('error', fail)
        reply.on('end', () => resolve({ status: reply.statusCode ?? 0, body: parsed(Buffer.concat(chunks)) }))
      },
    )
    sent.on('error', fail)
    sent.end(text)
    return promise
  }

  /** Closes what is kept alive. */
  close(): void {
    this.#agent.destroy()
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}
