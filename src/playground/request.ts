import type { IncomingMessage } from 'node:http'
import { ApiError } from './api-error.ts'
import type { Identity } from './authentication.ts'

/** One authenticated request, before anything is answered. */
export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly accept: string
  readonly contentType: string
  readonly identity: Identity
  /** @throws ApiError 413 for a body over the limit. */
  body(): Promise<Buffer>
}

const mostBodyBytes = 1024 * 1024

export function apiRequest(message: IncomingMessage, identity: Identity): ApiRequest {
  const url = requestUrl(message)
  return {
    method: message.method ?? 'GET',
    path: url.pathname.replace(/(.)\/$/, '$1'),
    query: url.searchParams,
    accept: message.headers.accept ?? '',
    contentType: message.headers['content-type'] ?? '',
    identity,
    body: () => readBody(message),
  }
}

/** @throws ApiError 400 for a target that is no path. */
export function requestUrl(message: IncomingMessage): URL {
  const target = `https://playground${message.url ?? '/'}`
  if (!message.url?.startsWith('/') || !URL.canParse(target)) {
    throw new ApiError(400, 'BadRequest', 'the request has no readable path')
  }
  return new URL(target)
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  // Not destroyed when it is too long: the refusal still has to go out on the same connection.
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > mostBodyBytes) {
      throw new ApiError(413, 'RequestEntityTooLarge', `the body is limited to ${mostBodyBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
