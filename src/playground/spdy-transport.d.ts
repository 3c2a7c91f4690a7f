/** The part of spdy-transport that the playground uses; the package brings no types. */
declare module 'spdy-transport' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'

  export interface SpdyStream extends Duplex {
    readonly headers: Readonly<Record<string, string>>
    readonly _spdyState: { readonly window: { readonly send: { update(bytes: number): void } } }
    respond(status: number, headers: Readonly<Record<string, string>>): void
    abort(code?: string): void
  }

  type Headers = Readonly<Record<string, string>>
  type ParsedHeaders = (error: Error | null, headers?: Headers) => void

  export interface SpdyConnection extends EventEmitter {
    readonly _spdyState: { readonly parser: { parseKVs(buffer: unknown, done: ParsedHeaders): void } }
    on(event: 'stream', listener: (stream: SpdyStream) => void): this
    on(event: 'error', listener: (error: Error) => void): this
    on(event: 'close', listener: () => void): this
    start(version: number): void
  }

  interface SpdyOptions {
    readonly protocol: 'spdy'
    readonly isServer: boolean
    readonly maxStreams?: number
    readonly windowSize?: number
  }

  const transport: { readonly connection: { create(socket: Duplex, options: SpdyOptions): SpdyConnection } }
  export default transport
}
