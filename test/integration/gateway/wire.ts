import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { request } from 'node:https'
import type { RequestOptions } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { onTestFinished } from 'vitest'
import { startTlsServer } from '../../fixtures/tls-server.ts'
import type { TlsServer } from '../../fixtures/tls-server.ts'
import { GatewayRig, pass } from './gateway-rig.ts'
import type { Rules } from './gateway-rig.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** An API server whose answers the test gives, and a gateway before it. */
export class Wire {
  readonly server: TlsServer
  readonly rig: GatewayRig
  readonly seen: IncomingMessage[] = []

  private constructor(server: TlsServer, rig: GatewayRig) {
    this.server = server
    this.rig = rig
    server.server.on('request', (message: IncomingMessage) => this.seen.push(message))
  }

  /** @param http2 the API server speaks that, too */
  static async open(handler: Handler, rules: Rules = {}, { http2 = false } = {}): Promise<Wire> {
    const server = await startTlsServer({ http2 })
    onTestFinished(() => server.close())
    server.server.on('request', handler)
    const upstream = { slug: 'api', server: server.address, caPem: server.caPem }
    return new Wire(
      server,
      await GatewayRig.start({ id: 'prod.a', token: 'the-token', upstreams: [upstream] }, rules),
    )
  }

  /** A request whose answer the test reads by itself. */
  begin(path: string, options: RequestOptions = {}): ReturnType<typeof request> {
    const { headers, ...rest } = options
    const begun = request(`${this.rig.url('api')}${path}`, {
      agent: false,
      ca: this.rig.caPem,
      // Node would take it from the Host header.
      servername: '',
      headers: { authorization: `Bearer ${pass}`, ...(headers as object) },
      ...rest,
    })
    begun.on('error', () => {})
    return begun
  }

  async ask(path: string, options: RequestOptions = {}, body?: string): Promise<Answered> {
    const begun = this.begin(path, options)
    begun.end(body)
    const [response] = (await once(begun, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    return { code: response.statusCode, text, headers: response.headers, trailers: response.trailers }
  }

  /** Writes bytes as they are. @returns all that came back until the end. */
  async raw(bytes: string): Promise<string> {
    const socket = connectTls({ port: this.rig.port, host: '127.0.0.1', ca: this.rig.caPem })
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => {})
    socket.write(bytes)
    await once(socket, 'close')
    return Buffer.concat(chunks).toString()
  }
}

export interface Answered {
  readonly code: number | undefined
  readonly text: string
  readonly headers: IncomingMessage['headers']
  readonly trailers: IncomingMessage['trailers']
}

export const ok: Handler = (_, response) => void response.end('ok')
export const drained: Handler = (message, response) => {
  message.resume()
  message.once('end', () => response.end('ok'))
}
