import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import type { ClientHttp2Stream, Http2ServerRequest } from 'node:http2'
import type { Readable } from 'node:stream'
import { answer, breakOff, sendAnswer, statusOf } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Destination, UpstreamRequest } from './destination.ts'
import type { Exchange, Exchanges } from './exchanges.ts'
import { pairsOf, requestHeaders, responseHeaders, valueOf } from './headers.ts'
import type { RawHeaders } from './headers.ts'
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

/** An answer of the API server, by whichever version of HTTP. */
interface Answered {
  readonly code: number
  readonly headers: RawHeaders
  readonly body: Readable
  /** Once the body has ended. */
  trailers(): RawHeaders
  /** Has all of it come? */
  isWhole(): boolean
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
  #upstream: ClientRequest | ClientHttp2Stream | undefined
  #body: Readable | undefined
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
    if (isRepeatable && asksToWatch(this.#admitted.target)) void this.#watch(true)
    else this.#send(isRepeatable)
  }

  end(why: Answer): void {
    this.#isOver = true
    this.#admitted.logged.code ??= why.code
    this.#request.unpipe()
    this.#body?.unpipe()
    if (!this.#response.headersSent) return sendAnswer(this.#response, why)
    if (!this.#isBetweenEvents) return breakOff(this.#response)
    this.#response.end(`${JSON.stringify({ type: 'ERROR', object: statusOf(why) })}\n`)
  }

  letGo(): void {
    this.#upstream?.destroy()
  }

  #send(mayRepeat: boolean): void {
    const upstream = this.#admitted.destination.begin(this.#toUpstream())
    this.#upstream = upstream
    upstream.on('error', () => {
      if (!this.#isUnanswered(upstream)) return
      if (mayRepeat && upstream.reusedSocket) this.#send(false)
      else this.#refuse()
    })
    upstream.once('response', (answered) => this.#answer(overHttp1(answered)))
    if (!hasBody(this.#request)) return void upstream.end()
    if (!this.#expectsContinue) return this.#sendBody(upstream)
    upstream.flushHeaders()
    upstream.once('continue', () => {
      this.#response.writeContinue()
      this.#sendBody(upstream)
    })
  }

  /** On a connection that it shares with other watches, where the API server has such. */
  async #watch(mayRepeat: boolean): Promise<void> {
    const begun = await this.#admitted.destination.beginWatch(this.#toUpstream()).catch(() => null)
    if (this.#isOver) return void begun?.stream.destroy()
    if (begun === null) return this.#refuse()
    if (begun === undefined) return this.#send(mayRepeat)
    const { stream, isReused } = begun
    this.#upstream = stream
    stream.on('error', () => {})
    stream.once('response', (_, __, headers: RawHeaders) => this.#answer(overHttp2(stream, headers)))
    stream.once('close', () => {
      if (!this.#isUnanswered(stream)) return
      if (mayRepeat && isReused) void this.#watch(false)
      else this.#refuse()
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
      if (this.#isOver) return
      const trailers = this.#request.rawTrailers
      if (trailers.length > 0) upstream.addTrailers(pairsOf(requestHeaders(trailers)))
      upstream.end()
    })
    // A client that goes in the middle of a body: what it sent is not a request.
    this.#request.once('close', () => {
      if (!this.#request.complete) upstream.destroy()
    })
  }

  #answer(answered: Answered): void {
    const response = this.#response
    const { logged } = this.#admitted
    const { body, code } = answered
    this.#body = body
    logged.code = code
    const isEarly = !this.#request.complete && response.req.httpVersionMajor < 2
    response.writeHead(code, [
      ...responseHeaders(answered.headers),
      ...(isEarly ? ['connection', 'close'] : []),
    ])
    const isWatch = isJsonWatch(this.#admitted.target, answered)
    if (isWatch) this.#isBetweenEvents = true
    this.#sendHead()
    body.on('error', () => this.#breakOff())
    body.once('close', () => answered.isWhole() || this.#breakOff())
    body.on('data', (chunk: Buffer) => {
      logged.received += chunk.length
      if (isWatch) this.#isBetweenEvents = chunk.at(-1) === newline
    })
    body.pipe(response, { end: false })
    body.once('end', () => {
      if (this.#isOver) return
      if (!answered.isWhole()) return this.#breakOff()
      const trailers = responseHeaders(answered.trailers())
      if (trailers.length > 0) response.addTrailers(pairsOf(trailers))
      response.end()
    })
  }

  /** What has come with the head goes on with it, in one piece: each record of TLS costs as much as a small answer. */
  #sendHead(): void {
    const response = this.#response
    response.cork()
    setImmediate(() => {
      // The end uncorks by itself.
      if (response.writableEnded || response.destroyed) return
      // A watch may have nothing to say for hours, but that it has begun.
      response.flushHeaders()
      response.uncork()
    })
  }

  /** What was told of a lock is whole, whatever becomes of the API server’s answer. */
  #breakOff(): void {
    if (!this.#isOver) breakOff(this.#response)
  }

  #isUnanswered(failed: ClientRequest | ClientHttp2Stream): boolean {
    return !this.#isOver && !this.#response.headersSent && this.#upstream === failed
  }

  #refuse(): void {
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

function overHttp1(answered: IncomingMessage): Answered {
  return {
    code: answered.statusCode ?? 502,
    headers: answered.rawHeaders,
    body: answered,
    trailers: () => answered.rawTrailers,
    isWhole: () => answered.complete,
  }
}

/** @param headers with its pseudo-headers */
function overHttp2(stream: ClientHttp2Stream, headers: RawHeaders): Answered {
  let trailers: RawHeaders = []
  stream.once('trailers', (_, __, raw: RawHeaders) => (trailers = raw))
  return {
    code: Number(valueOf(headers, ':status') ?? 502),
    headers,
    body: stream,
    trailers: () => trailers,
    // Node ends the body of a stream that was reset like any other’s.
    isWhole: () => stream.readableEnded && stream.rstCode === constants.NGHTTP2_NO_ERROR,
  }
}

function isJsonWatch(target: string, { code, headers }: Answered): boolean {
  const isPlain = valueOf(headers, 'content-encoding') === undefined
  const isJson = valueOf(headers, 'content-type')?.startsWith('application/json') === true
  return code === 200 && isJson && isPlain && asksToWatch(target)
}

function asksToWatch(target: string): boolean {
  const [path = '', query = ''] = target.split('?')
  return /\/watch\//.test(path) || /(?:^|&)watch=(?:true|1)(?:&|$)/i.test(query)
}
