import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { answer, breakOff, sendAnswer, statusOf } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Destination, UpstreamRequest } from './destination.ts'
import type { Exchange, Exchanges } from './exchanges.ts'
import { pairsOf, requestHeaders, responseHeaders, valueOf } from './headers.ts'
import type { Pass } from './passes.ts'
import type { Logged } from './request-log.ts'

export interface Admitted {
  readonly pass: Pass
  readonly destination: Destination
  /** At the API server. */
  readonly target: string
  readonly exchanges: Exchanges
  readonly logged: Logged
}

/** What may be sent once more, where a connection that was kept turns out to be closed: it changes nothing. */
const repeatable = new Set(['GET', 'HEAD'])

/**
 * One request and its answer, each piped as it comes, so that the slower side holds up the other. An answer that breaks off
 * at the API server breaks off at the client: never does half of one look whole.
 */
export class Forwarded implements Exchange {
  readonly client
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #admitted: Admitted
  readonly #expectsContinue: boolean
  #upstream: ClientRequest | undefined
  #isOver = false
  /** The answer is a watch in JSON, and a line has just ended. */
  #isBetweenEvents = false

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    admitted: Admitted,
    { expectsContinue = false } = {},
  ) {
    this.client = admitted.pass.client
    this.#request = request
    this.#response = response
    this.#admitted = admitted
    this.#expectsContinue = expectsContinue
    admitted.exchanges.begin(this)
    // Both may fail at any time: what follows of it is decided by `close` alone.
    request.on('error', () => {})
    response.on('error', () => {})
    response.once('close', () => this.#finish())
  }

  start(): void {
    const isRepeatable = repeatable.has(this.#request.method ?? '') && !hasBody(this.#request)
    this.#send(isRepeatable)
  }

  end(why: Answer): void {
    this.#isOver = true
    this.#admitted.logged.code ??= why.code
    this.#upstream?.destroy()
    if (!this.#response.headersSent) return sendAnswer(this.#response, why)
    if (!this.#isBetweenEvents) return breakOff(this.#response)
    this.#response.end(`${JSON.stringify({ type: 'ERROR', object: statusOf(why) })}\n`)
  }

  #send(mayRepeat: boolean): void {
    const upstream = this.#admitted.destination.begin(this.#toUpstream())
    this.#upstream = upstream
    upstream.on('error', () => this.#fail(upstream, mayRepeat))
    upstream.once('response', (answered) => this.#answer(answered))
    if (!hasBody(this.#request)) return void upstream.end()
    if (!this.#expectsContinue) return this.#sendBody(upstream)
    upstream.flushHeaders()
    upstream.once('continue', () => {
      this.#response.writeContinue()
      this.#sendBody(upstream)
    })
  }

  #toUpstream(): UpstreamRequest {
    const { rawHeaders, method = 'GET' } = this.#request
    const headers = requestHeaders(rawHeaders)
    const isUnframed = hasBody(this.#request) && valueOf(headers, 'content-length') === undefined
    return {
      method,
      target: this.#admitted.target,
      headers: [
        ...headers,
        ...(isUnframed ? ['Transfer-Encoding', 'chunked'] : []),
        ...(this.#expectsContinue ? ['Expect', '100-continue'] : []),
        ...(/(?:^|,)\s*trailers\b/i.test(valueOf(rawHeaders, 'te') ?? '') ? ['TE', 'trailers'] : []),
      ],
    }
  }

  #sendBody(upstream: ClientRequest): void {
    this.#request.on('data', (chunk: Buffer) => (this.#admitted.logged.sent += chunk.length))
    this.#request.pipe(upstream, { end: false })
    this.#request.once('end', () => {
      const trailers = this.#request.rawTrailers
      if (trailers.length > 0) upstream.addTrailers(pairsOf(requestHeaders(trailers)))
      upstream.end()
    })
    // A client that goes in the middle of a body: what it sent is not a request.
    this.#request.once('close', () => {
      if (!this.#request.complete) upstream.destroy()
    })
  }

  #answer(answered: IncomingMessage): void {
    const response = this.#response
    const headers = responseHeaders(answered.rawHeaders)
    const { logged } = this.#admitted
    logged.code = answered.statusCode
    const isEarly = !this.#request.complete && response.req.httpVersionMajor < 2
    response.writeHead(answered.statusCode ?? 502, [...headers, ...(isEarly ? ['connection', 'close'] : [])])
    const isWatch = isJsonWatch(this.#admitted.target, answered)
    if (isWatch) this.#isBetweenEvents = true
    // A watch may have nothing to say for hours, but that it has begun.
    if (valueOf(answered.rawHeaders, 'content-length') === undefined) response.flushHeaders()
    answered.on('error', () => breakOff(response))
    answered.once('close', () => {
      if (!answered.complete) breakOff(response)
    })
    answered.on('data', (chunk: Buffer) => {
      logged.received += chunk.length
      if (isWatch) this.#isBetweenEvents = chunk.at(-1) === newline
    })
    answered.pipe(response, { end: false })
    answered.once('end', () => {
      const trailers = responseHeaders(answered.rawTrailers)
      if (trailers.length > 0) response.addTrailers(pairsOf(trailers))
      response.end()
    })
  }

  #fail(upstream: ClientRequest, mayRepeat: boolean): void {
    if (this.#isOver || this.#response.headersSent || this.#upstream !== upstream) return
    if (mayRepeat && upstream.reusedSocket) return this.#send(false)
    this.#admitted.logged.code = unreachable.code
    sendAnswer(this.#response, unreachable)
  }

  #finish(): void {
    if (!this.#isOver && !this.#response.writableFinished) this.#upstream?.destroy()
    this.#isOver = true
    this.#admitted.logged.over()
    this.#admitted.exchanges.over(this)
  }
}

const newline = 0x0a

/** The text says nothing of the error’s own: it may name hosts that are none of the client’s business. */
export const unreachable = answer(
  'ServiceUnavailable',
  'the API server can’t be reached, or is not who the kubeconfig says; see: kubeguard daemon status (log file)',
)

/** Does something follow the head of this request? */
export function hasBody(request: IncomingMessage): boolean {
  if (request.httpVersionMajor >= 2) return !(request as unknown as Http2ServerRequest).stream.endAfterHeaders
  const { headers } = request
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function isJsonWatch(target: string, answered: IncomingMessage): boolean {
  const type = answered.headers['content-type'] ?? ''
  const encoding = answered.headers['content-encoding']
  if (answered.statusCode !== 200 || !type.startsWith('application/json') || encoding !== undefined)
    return false
  const [path = '', query = ''] = target.split('?')
  return /\/watch\//.test(path) || /(?:^|&)watch=(?:true|1)(?:&|$)/i.test(query)
}
