import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { Duplex } from 'node:stream'
import { failureStatus, pathNotFound, unauthorized } from './api-error.ts'
import { authenticate } from './authentication.ts'
import type { Identity, TokenRegistry } from './authentication.ts'
import type { CertifiedKey } from './certificates.ts'
import { aggregatedDiscovery, discoveryDocument, versionInfo } from './discovery.ts'
import { kubeletSettings } from './kubelet-settings.ts'
import { streamLog } from './log-stream.ts'
import type { ObjectStore } from './object-store.ts'
import { openApiDocument, openApiV2Document } from './openapi.ts'
import { apiRequest } from './request.ts'
import type { ApiRequest } from './request.ts'
import type { RequestLog } from './request-log.ts'
import { parseResourcePath } from './resource-path.ts'
import { answerResource } from './resource-requests.ts'
import { reviewAnswer } from './reviews.ts'
import { StreamUpgrades } from './stream-upgrades.ts'
import { streamWatch } from './watch.ts'

export interface ApiServerParts {
  readonly certificate: CertifiedKey
  readonly caPem: string
  readonly tokens: TokenRegistry
  readonly store: ObjectStore
  readonly requests: RequestLog
  readonly logIntervalMs: number
}

/** @returns the HTTPS server that answers as a cluster's API would; it doesn't listen yet. */
export function createApiServer(parts: ApiServerParts): Server {
  const { certPem: cert, keyPem: key } = parts.certificate
  // Who has no client certificate may still have a token: the handshake asks, and refuses nobody.
  const tls = { cert, key, ca: parts.caPem, requestCert: true, rejectUnauthorized: false }
  const server = createServer({ ...tls, maxHeaderSize: 64 * 1024, headersTimeout: 10_000 })
  server.maxConnections = 500
  const upgrades = new StreamUpgrades(parts)
  server.on('request', (message, response) => void respond(parts, message, response))
  server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrades.accept(message, socket, head, identify(parts, message))
  })
  return server
}

function identify({ tokens, requests }: ApiServerParts, message: IncomingMessage): Identity | undefined {
  const identity = authenticate(message, tokens)
  requests.add(message, identity)
  return identity
}

async function respond(
  parts: ApiServerParts,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const identity = identify(parts, message)
    if (identity === undefined) throw unauthorized()
    await answer(parts, apiRequest(message, identity), response)
  } catch (error) {
    const status = failureStatus(error)
    if (response.headersSent) response.destroy()
    else sendJson(response, status.code, status)
  }
}

async function answer(parts: ApiServerParts, request: ApiRequest, response: ServerResponse): Promise<void> {
  const path = parseResourcePath(request.path)
  if (path !== undefined) {
    if (path.subresource === 'log') return streamLog(request, path, parts, response)
    if (isWatch(request)) return streamWatch(request, path, parts.store, response)
    const { code, body } = await answerResource(request, path, parts.store)
    return sendJson(response, code, body)
  }
  if (['/healthz', '/livez', '/readyz'].includes(request.path)) return void response.end('ok')
  const review = await reviewAnswer(request)
  if (review !== undefined) return sendJson(response, 201, review)
  if (request.method !== 'GET') throw pathNotFound()
  if (request.path === '/api' || request.path === '/apis')
    return sendDiscovery(request.path, request, response)
  if (request.path === '/openapi/v2') {
    response.writeHead(200, { 'content-type': openApiV2Document.contentType })
    return void response.end(openApiV2Document.bytes)
  }
  const document = staticDocument(request.path)
  if (document === undefined) throw pathNotFound()
  sendJson(response, 200, document)
}

function isWatch({ method, query }: ApiRequest): boolean {
  return method === 'GET' && ['true', '1'].includes(query.get('watch') ?? '')
}

function staticDocument(path: string): object | undefined {
  return path === '/version'
    ? versionInfo
    : (discoveryDocument(path) ?? openApiDocument(path) ?? kubeletSettings(path))
}

/** Clients since Kubernetes 1.26 ask for everything in two documents, by media type; older ones walk the tree. */
function sendDiscovery(path: '/api' | '/apis', request: ApiRequest, response: ServerResponse): void {
  const version = /application\/json;g=apidiscovery\.k8s\.io;v=(v2(?:beta1)?);as=APIGroupDiscoveryList/.exec(
    request.accept,
  )
  if (version === null) return sendJson(response, 200, discoveryDocument(path))
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version[1]};as=APIGroupDiscoveryList`
  sendJson(response, 200, aggregatedDiscovery(path, version[1]!), contentType)
}

function sendJson(
  response: ServerResponse,
  code: number,
  body: unknown,
  contentType = 'application/json',
): void {
  response.writeHead(code, { 'content-type': contentType, 'cache-control': 'no-cache, private' })
  response.end(JSON.stringify(body))
}
