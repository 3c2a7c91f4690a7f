import type { ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import type { Http2ServerResponse } from 'node:http2'
import type { Duplex } from 'node:stream'

/** Why the gateway itself answers, as Kubernetes' clients read it. */
export interface Answer {
  readonly code: number
  readonly reason: 'Unauthorized' | 'Forbidden' | 'BadRequest' | 'NotFound' | 'ServiceUnavailable'
  /** What is wrong, and how to go on. */
  readonly message: string
}

const codes = {
  Unauthorized: 401,
  Forbidden: 403,
  BadRequest: 400,
  NotFound: 404,
  ServiceUnavailable: 503,
} as const

export const answer = (reason: Answer['reason'], message: string): Answer => ({
  code: codes[reason],
  reason,
  message: `kubeguard: ${message}`,
})

/** meta/v1 Status. */
export function statusOf({ code, reason, message }: Answer): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
}

const headersFor = (body: string): string[] => [
  'content-type',
  'application/json',
  'content-length',
  String(Buffer.byteLength(body)),
  'cache-control',
  'no-cache, private',
]

/** Answers in the place of the API server; what the client still sends is not read. */
export function sendAnswer(response: ServerResponse, said: Answer): void {
  if (response.headersSent || response.destroyed) return breakOff(response)
  const body = JSON.stringify(statusOf(said))
  const isHttp1 = response.req.httpVersionMajor < 2
  const isWhole = response.req.complete
  const close = isHttp1 && !isWhole ? ['connection', 'close'] : []
  response.writeHead(said.code, [...headersFor(body), ...close])
  response.end(body)
}

/** Ends an answer such that no client takes it for whole: by its connection, or by its stream alone in HTTP/2. */
export function breakOff(response: ServerResponse): void {
  if (response.req.httpVersionMajor < 2) return void response.destroy()
  const { stream } = response as unknown as Http2ServerResponse
  stream?.close(constants.NGHTTP2_INTERNAL_ERROR)
}

/** The same on a connection that asked for an upgrade. */
export function sendRawAnswer(socket: Duplex, said: Answer): void {
  const body = JSON.stringify(statusOf(said))
  const headers = headersFor(body)
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1]}`] : []))
  const head = [`HTTP/1.1 ${said.code} ${said.reason}`, ...lines, 'connection: close', '', body].join('\r\n')
  if (socket.writable) socket.end(head)
  else socket.destroy()
}
