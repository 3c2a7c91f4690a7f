import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { sendRawAnswer } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Exchange } from './exchanges.ts'
import { unreachable } from './forward.ts'
import type { Admitted } from './forward.ts'
import { pairsOf, requestHeaders, responseHeaders } from './headers.ts'
import { closeFrame, FrameBoundary } from './websocket-close.ts'

/**
 * An upgrade: exec, attach and port-forward, over WebSocket or SPDY. Once both sides have switched it is bytes, in both
 * directions, as fast as the slower side takes them.
 */
export class Tunnel implements Exchange {
  readonly client
  readonly #request: IncomingMessage
  readonly #socket: Duplex
  readonly #admitted: Admitted
  readonly #frames: FrameBoundary | undefined
  #upstream: ClientRequest | undefined
  #far: Duplex | undefined
  #isOver = false

  constructor(request: IncomingMessage, socket: Duplex, admitted: Admitted) {
    this.client = admitted.pass.client
    this.#request = request
    this.#socket = socket
    this.#admitted = admitted
    this.#frames = protocolOf(request).toLowerCase() === 'websocket' ? new FrameBoundary() : undefined
    admitted.exchanges.begin(this)
    socket.once('close', () => this.#finish())
  }

  /** @param early what the client sent after its request */
  start(early: Buffer): void {
    const { rawHeaders, method = 'GET' } = this.#request
    const headers = [
      ...requestHeaders(rawHeaders),
      'Connection',
      'Upgrade',
      'Upgrade',
      protocolOf(this.#request),
    ]
    const request = { method, target: this.#admitted.target, headers }
    const upstream = this.#admitted.destination.begin(request, { upgrades: true })
    this.#upstream = upstream
    upstream.on('error', () => {
      this.#admitted.logged.code ??= unreachable.code
      sendRawAnswer(this.#socket, unreachable)
    })
    upstream.once('response', (answered) => this.#refused(answered))
    upstream.once('upgrade', (answered, far, first) => this.#join(answered, far, first, early))
    upstream.end()
  }

  end(why: Answer): void {
    this.#admitted.logged.code ??= why.code
    this.#isOver = true
    if (this.#far === undefined) sendRawAnswer(this.#socket, why)
    else {
      this.#far.unpipe(this.#socket)
      this.#socket.unpipe(this.#far)
      const mayTell = this.#frames?.isBetweenFrames === true && this.#socket.writable
      if (mayTell) this.#socket.end(closeFrame(why.message))
      else this.#socket.destroy()
    }
  }

  letGo(): void {
    this.#far?.destroy()
    this.#upstream?.destroy()
  }

  #join(answered: IncomingMessage, far: Duplex, first: Buffer, early: Buffer): void {
    const socket = this.#socket
    if (this.#isOver) return void far.destroy()
    const { logged } = this.#admitted
    logged.code = answered.statusCode
    this.#far = far
    far.on('error', () => this.#isOver || socket.destroy())
    // One that ended in order is ended in order by the pipe.
    far.once('close', () => {
      if (!far.readableEnded && !this.#isOver) socket.destroy()
    })
    socket.write(head(answered, ['Connection: Upgrade', `Upgrade: ${protocolOf(answered)}`]))
    if (this.#frames !== undefined) far.on('data', (chunk: Buffer) => this.#frames?.push(chunk))
    if (first.length > 0) far.unshift(first)
    if (early.length > 0) far.write(early)
    far.on('data', (chunk: Buffer) => (logged.received += chunk.length))
    socket.on('data', (chunk: Buffer) => (logged.sent += chunk.length))
    gather(far, socket)
    gather(socket, far)
    far.pipe(socket)
    socket.pipe(far)
  }

  /** No upgrade: the API server says why, and the connection ends with it. */
  #refused(answered: IncomingMessage): void {
    this.#admitted.logged.code = answered.statusCode
    if (!this.#socket.writable) return void answered.destroy()
    this.#socket.write(head(answered, ['Connection: close']))
    answered.pipe(this.#socket)
  }

  #finish(): void {
    this.letGo()
    this.#admitted.logged.over()
    this.#admitted.exchanges.over(this)
  }
}

/** The records of TLS that came in one piece go on in one piece. Before the pipe is made. */
function gather(from: Duplex, to: Duplex): void {
  let isGathering = false
  from.on('data', () => {
    if (isGathering) return
    isGathering = true
    to.cork()
    process.nextTick(() => {
      isGathering = false
      to.uncork()
    })
  })
}

/** @returns the status line and headers as they came, but those of the connection */
function head(answered: IncomingMessage, connection: readonly string[]): string {
  const { statusCode = 502, statusMessage = '', rawHeaders } = answered
  const lines = pairsOf(responseHeaders(rawHeaders)).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${statusCode} ${statusMessage}`, ...lines, ...connection, '', ''].join('\r\n')
}

const protocolOf = (message: IncomingMessage): string => message.headers.upgrade ?? ''
