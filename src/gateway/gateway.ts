import type { IncomingMessage, ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { GatewayOrder, HeldCredential } from '../platform/gateways/start-gateway.ts'
import type { ProcessId } from '../usecases/ports.ts'
import { answer, sendAnswer, sendRawAnswer } from './answer.ts'
import type { Answer } from './answer.ts'
import { Destination } from './destination.ts'
import { Exchanges } from './exchanges.ts'
import { Forwarded } from './forward.ts'
import type { Admitted } from './forward.ts'
import { objectionTo, objectionToUpgrade } from './objection.ts'
import { Passes } from './passes.ts'
import type { Pass } from './passes.ts'
import type { Peers } from './peers.ts'
import type { RequestLog } from './request-log.ts'
import { routeOf } from './route.ts'
import { Tunnel } from './tunnel.ts'

/** Where clients reach it; nothing else is listened on. */
const loopback = '127.0.0.1'

/** All that can grow has a limit. */
const limits = {
  connections: 4_096,
  headerBytes: 64 * 1024,
  /** For a request’s head, and then for all of it: 100 MB over a slow line. */
  headersMs: 10_000,
  requestMs: 15 * 60_000,
  /** Longer than clients keep an idle connection (client-go: 90 s), so that they let go first. */
  idleMs: 120_000,
  streamsPerConnection: 1_000,
  windowBytes: 1024 * 1024,
  /** Of one connection, in MB: new streams are refused above it. */
  sessionMegabytes: 256,
} as const

interface World {
  readonly wallMs: () => number
  readonly peers: Peers
  readonly requests: RequestLog
}

/** Everything between the clients of one session and its API servers. */
export class Gateway {
  readonly #order: GatewayOrder
  readonly #world: World
  readonly #passes: Passes
  readonly #exchanges = new Exchanges()
  readonly #credentials = new Map<string, Map<string, Destination>>()
  readonly #server: Http2SecureServer
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  /** Host and port, as every client of ours says them. */
  #authority: string | undefined
  #isOver = false

  constructor(order: GatewayOrder, world: World) {
    this.#order = order
    this.#world = world
    this.#passes = new Passes(world.wallMs)
    this.#server = this.#makeServer()
  }

  /** @returns the port. @throws Error EADDRINUSE, … */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#order.port, loopback, () => {
        // An accept that fails (no descriptors left) ends nothing.
        this.#server.off('error', reject).on('error', () => {})
        const { port } = this.#server.address() as AddressInfo
        this.#authority = `${loopback}:${port}`
        resolve(port)
      })
    })
  }

  /** A credential, and where it is good. @throws TypeError for a server that is no URL */
  hold(credential: HeldCredential): void {
    const destinations = credential.upstreams.map(
      (upstream) => [upstream.slug, new Destination(upstream, credential)] as const,
    )
    // What is under way with an older one goes on; its idle connections end by themselves.
    this.#credentials.set(credential.id, new Map(destinations))
  }

  admit(digest: string, pass: Pass): void {
    this.#passes.add(digest, pass)
  }

  /** Serves these clients alone from now on. */
  narrow(stays: (client: ProcessId) => boolean): void {
    this.#passes.keep(({ client }) => stays(client))
    this.#exchanges.end(this.#locked(), (client) => !stays(client))
  }

  /**
   * Ends everything at once; who can be told is told. Nothing is let in any more.
   *
   * @returns when all of them have it; who does not read never has
   */
  end(): Promise<void> {
    this.#isOver = true
    this.#passes.keep(() => false)
    this.#exchanges.end(this.#locked())
    this.#server.close()
    for (const session of this.#sessions) session.close()
    return this.#exchanges.told()
  }

  /** After `end`: what has not gone by itself. */
  cut(): void {
    for (const session of this.#sessions) session.destroy()
    for (const socket of this.#sockets) socket.destroy()
    for (const destinations of this.#credentials.values())
      destinations.forEach((destination) => destination.close())
  }

  get openExchanges(): number {
    return this.#exchanges.size
  }

  #locked(): Answer {
    const { policy } = this.#order
    return answer('Unauthorized', `${policy} is locked, and this was ended; run: kubeguard unlock ${policy}`)
  }

  #makeServer(): Http2SecureServer {
    const { certPem, keyPem } = this.#order
    const server = createSecureServer({
      cert: certPem,
      key: keyPem,
      minVersion: 'TLSv1.3',
      allowHTTP1: true,
      maxSessionMemory: limits.sessionMegabytes,
      handshakeTimeout: limits.headersMs,
      settings: { maxConcurrentStreams: limits.streamsPerConnection, initialWindowSize: limits.windowBytes },
      ...({
        maxHeaderSize: limits.headerBytes,
        headersTimeout: limits.headersMs,
        requestTimeout: limits.requestMs,
        keepAliveTimeout: limits.idleMs,
        insecureHTTPParser: false,
      } as object),
    })
    server.maxConnections = limits.connections
    server.on('connection', (socket: Socket) => this.#accept(socket))
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => socket.destroy())
      // 127.0.0.1 is no name: who sends one means somebody else (RFC 6066, 3).
      if (socket.servername !== false && socket.servername !== undefined) socket.destroy()
    })
    server.on('session', (session) => {
      this.#sessions.add(session)
      session.once('close', () => this.#sessions.delete(session))
    })
    const take = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
      const found = this.#admitOrRefuse(request)
      if ('code' in found) return sendAnswer(response, found)
      new Forwarded(request, response, found, { expectsContinue }).start()
    }
    server.on('request', (request, response) => take(request as never, response as never, false))
    server.on('checkContinue', (request, response) => take(request as never, response as never, true))
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, early: Buffer) => {
      socket.on('error', () => socket.destroy())
      const found = this.#admitOrRefuse(request, true)
      if ('code' in found) return sendRawAnswer(socket, found)
      new Tunnel(request, socket, found).start(early)
    })
    return server
  }

  /** Before a byte is read: another account’s process gets nothing, not even a handshake. */
  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    // Node does so for HTTP/1.1 alone: else head and body of a small answer would wait for each other, 40 ms long.
    socket.setNoDelay(true)
    if (this.#isOver || !this.#world.peers.accept(socket)) socket.destroy()
  }

  #admitOrRefuse(request: IncomingMessage, isUpgrade = false): Admitted | Answer {
    const pass = this.#passes.find(request.headers.authorization)
    const route = routeOf(request.url ?? '')
    const { method = 'GET' } = request
    const asked = { method, target: route?.target ?? '', isUpgrade }
    const found = this.#destinationOf(request, pass, route, isUpgrade)
    // A pass in other hands says nothing of who it was.
    if ('code' in found)
      this.#world.requests.refused(asked, found.code === 401 ? undefined : pass, found.code)
    if ('code' in found || pass === undefined) return found as Answer
    const logged = this.#world.requests.begin(asked, pass)
    return { pass, target: asked.target, exchanges: this.#exchanges, destination: found, logged }
  }

  #destinationOf(
    request: IncomingMessage,
    pass: Pass | undefined,
    route: ReturnType<typeof routeOf>,
    isUpgrade: boolean,
  ): Destination | Answer {
    // A name that a web page chose and a resolver turned into 127.0.0.1 is not ours.
    const authority = request.headers[':authority'] ?? request.headers.host
    if (authority !== this.#authority) return answer('BadRequest', 'this host is not served here')
    if (pass === undefined || !this.#world.peers.isOf(request.socket as Socket, pass.client))
      return answer(
        'Unauthorized',
        `no valid pass of this session; run the command again, and where that fails: kubeguard unlock ${this.#order.policy}`,
      )
    if (route === undefined) return answer('BadRequest', 'this is no path of the gateway')
    const destination = this.#credentials.get(pass.credential)?.get(route.slug)
    if (destination === undefined)
      return answer('NotFound', 'this credential was not adopted for that cluster; run: kubeguard adopt')
    const objection = isUpgrade ? objectionToUpgrade(request) : undefined
    return objection ?? objectionTo(request, route.target, this.#order) ?? destination
  }
}
