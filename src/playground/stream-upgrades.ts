import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { badRequest, failureStatus, pathNotFound, unauthorized } from './api-error.ts'
import type { Identity } from './authentication.ts'
import { runProgram } from './builtin-shell/shell.ts'
import { containerOf } from './container.ts'
import { runExec } from './exec-session.ts'
import type { KubeObject } from './kube-object.ts'
import type { LogSource } from './log-stream.ts'
import { PodFiles } from './pod-files.ts'
import { environmentOf, runAttached } from './pod-programs.ts'
import { forwardPorts } from './port-forward.ts'
import { requestUrl } from './request.ts'
import { parseResourcePath } from './resource-path.ts'

/** The subprotocols of each streaming subresource, best first. */
const protocolsOf: Readonly<Record<string, readonly string[]>> = {
  exec: ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
  attach: ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
  portforward: ['SPDY/3.1+portforward.k8s.io'],
}

const mostMessageBytes = 1024 * 1024

/** What a request for a stream asks for, once it has been checked. */
interface StreamRequest {
  readonly kind: string
  readonly protocol: string
  readonly pod: KubeObject
  readonly container: string
  readonly query: URLSearchParams
}

/** Accepts `exec`, `attach` and `port-forward`, which come as WebSocket upgrades since kubectl 1.31. */
export class StreamUpgrades {
  readonly #source: LogSource
  readonly #files = new PodFiles()
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: mostMessageBytes,
    perMessageDeflate: false,
  })
  readonly #protocolOf = new WeakMap<IncomingMessage, string>()

  constructor(source: LogSource) {
    this.#source = source
    this.#server.on('headers', (headers, message) => {
      headers.push(`Sec-WebSocket-Protocol: ${this.#protocolOf.get(message)}`)
    })
  }

  /** Answers an upgrade: 401 for nobody, 404 for an unknown pod, else a stream. */
  accept(message: IncomingMessage, socket: Duplex, head: Buffer, identity: Identity | undefined): void {
    // Without a listener a connection that the client resets would end the playground.
    socket.on('error', () => socket.destroy())
    try {
      if (identity === undefined) throw unauthorized()
      const request = this.#readRequest(message)
      // ws takes RFC 6455's word that a subprotocol has no slash; Kubernetes' has one, so we name it ourselves.
      this.#protocolOf.set(message, request.protocol)
      delete message.headers['sec-websocket-protocol']
      this.#server.handleUpgrade(message, socket, head, (webSocket) => this.#start(webSocket, request))
    } catch (error) {
      refuse(socket, error)
    }
  }

  #readRequest(message: IncomingMessage): StreamRequest {
    const { pathname, searchParams: query } = requestUrl(message)
    const path = parseResourcePath(pathname)
    const kind = path?.subresource ?? ''
    const known = protocolsOf[kind]
    if (path?.name === undefined || known === undefined) throw pathNotFound()
    const pod = this.#source.store.get(path.resource, path.namespace, path.name)
    const container = containerOf(pod, query.get('container'))
    if (message.headers.upgrade?.toLowerCase() !== 'websocket') {
      throw badRequest('the playground streams over WebSocket only: use kubectl 1.31 or later')
    }
    const offered = (message.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
    const protocol = known.find((name) => offered.includes(name))
    if (protocol === undefined)
      throw badRequest(`${kind} needs one of these subprotocols: ${known.join(', ')}`)
    return { kind, protocol, pod, container, query }
  }

  #start(socket: WebSocket, { kind, pod, container, query }: StreamRequest): void {
    if (kind === 'portforward') return forwardPorts(socket, pod.metadata.name)
    const isOn = (name: string): boolean => ['true', '1'].includes(query.get(name) ?? '')
    const request = {
      podName: pod.metadata.name,
      environment: environmentOf(pod),
      files: this.#files.of(pod),
      hasStdin: isOn('stdin'),
      hasTerminal: isOn('tty'),
    }
    const argv = query.getAll('command')
    void runExec(socket, request, (world) =>
      kind === 'attach' ? runAttached(world, container, this.#source.logIntervalMs) : runProgram(argv, world),
    )
  }
}

function refuse(socket: Duplex, error: unknown): void {
  const status = failureStatus(error)
  const body = JSON.stringify(status)
  socket.end(
    `HTTP/1.1 ${status.code} ${String(status['reason'])}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
