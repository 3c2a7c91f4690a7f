import { connect as connectHttp2 } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { pairsOf } from './headers.ts'
import type { RawHeaders } from './headers.ts'

/** API servers allow 250 (kube-apiserver, --http2-max-streams-per-connection); what one connection’s end takes along is less so. */
const mostPerConnection = 100
/** For each watch, and for all of a connection together: one that is not read holds up none of the others. */
const windowBytes = 256 * 1024
/** As client-go asks whether an API server is still there (its ReadIdleTimeout); a connection without watches goes then. */
const lookMs = 30_000
const sessionMegabytes = 256

/** A watch that is under way. */
export interface WatchStream {
  readonly stream: ClientHttp2Stream
  /** Its connection was there before it, and so may have been closed unseen. */
  readonly isReused: boolean
}

export interface WatchHead {
  readonly method: string
  readonly path: string
  readonly authority: string
  readonly headers: RawHeaders
}

/**
 * Watches go to an API server by HTTP/2, where it speaks it, many on one connection: k9s and an IDE hold hundreds, and a
 * connection of TLS takes 100 KB here.
 */
export class WatchConnections {
  readonly #options: ConnectionOptions
  /** How many watches each has. */
  readonly #sessions = new Map<ClientHttp2Session, number>()
  #opening: Promise<ClientHttp2Session | undefined> | undefined
  #isRefused = false

  constructor(options: ConnectionOptions) {
    this.#options = { ...options, ALPNProtocols: ['h2', 'http/1.1'] }
  }

  /**
   * @returns undefined where the API server does not speak HTTP/2
   * @throws Error where it can't be reached, or is not who it should be
   */
  async begin(head: WatchHead): Promise<WatchStream | undefined> {
    let isReused = true
    while (!this.#isRefused) {
      for (const [session, count] of this.#sessions) {
        if (session.closed || session.destroyed || count >= mostPerConnection) continue
        return { stream: this.#beginOn(session, head), isReused }
      }
      isReused = false
      this.#opening ??= this.#open().finally(() => (this.#opening = undefined))
      const opened = await this.#opening
      if (opened?.closed === true) throw new Error('the API server closes what it has just accepted')
    }
    return undefined
  }

  close(): void {
    for (const session of this.#sessions.keys()) session.destroy()
  }

  #beginOn(session: ClientHttp2Session, head: WatchHead): ClientHttp2Stream {
    const count = (more: number): void => {
      const before = this.#sessions.get(session)
      if (before !== undefined) this.#sessions.set(session, before + more)
    }
    const stream = session.request(http2Headers(head), { endStream: true })
    count(1)
    stream.once('close', () => count(-1))
    return stream
  }

  async #open(): Promise<ClientHttp2Session | undefined> {
    const socket = await secured(connectTls(this.#options))
    if (socket.alpnProtocol !== 'h2') {
      this.#isRefused = true
      return void socket.destroy()
    }
    socket.setNoDelay(true)
    const session = connectHttp2('https://api-server', {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: windowBytes },
      maxSessionMemory: sessionMegabytes,
    })
    // What follows of it is each stream’s to say.
    session.on('error', () => {})
    session.once('connect', () => session.setLocalWindowSize(mostPerConnection * windowBytes))
    session.once('close', () => this.#sessions.delete(session))
    this.#sessions.set(session, 0)
    this.#lookAfter(session)
    return session
  }

  #lookAfter(session: ClientHttp2Session): void {
    let isAnswered = true
    const timer = setInterval(() => {
      if (session.closed || session.destroyed) return
      if (this.#sessions.get(session) === 0) return void session.close()
      if (!isAnswered) return void session.destroy()
      isAnswered = false
      session.ping(() => (isAnswered = true))
    }, lookMs).unref()
    session.once('close', () => clearInterval(timer))
  }
}

function secured(socket: TLSSocket): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

function http2Headers({ method, path, authority, headers }: WatchHead): OutgoingHttpHeaders {
  const result = Object.create(null) as Record<string, string | string[]>
  Object.assign(result, { ':method': method, ':scheme': 'https', ':authority': authority, ':path': path })
  for (const [name, value] of pairsOf(headers)) {
    const lower = name.toLowerCase()
    const before = result[lower]
    result[lower] = before === undefined ? value : [before, value].flat()
  }
  return result
}
