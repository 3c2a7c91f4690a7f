import type { ServerResponse } from 'node:http'
import { badRequest } from './api-error.ts'
import { containerOf } from './container.ts'
import type { ObjectStore } from './object-store.ts'
import type { ApiRequest } from './request.ts'
import type { ResourcePath } from './resource-path.ts'

export interface LogSource {
  readonly store: ObjectStore
  /** How often a followed log gets a line. */
  readonly logIntervalMs: number
}

const olderLines = 10
const longestFollowMs = 24 * 60 * 60 * 1000
const mostPendingBytes = 4 * 1024 * 1024

/**
 * Answers `kubectl logs`: ten made-up lines, and with `follow` one more every `logIntervalMs`.
 * @throws ApiError 404 for an unknown pod, 400 for an unknown container or a previous instance.
 */
export function streamLog(
  request: ApiRequest,
  path: ResourcePath,
  { store, logIntervalMs }: LogSource,
  response: ServerResponse,
): void {
  const pod = store.get(path.resource, path.namespace, path.name!)
  const container = containerOf(pod, request.query.get('container'))
  if (request.query.get('previous') === 'true') {
    throw badRequest(`previous terminated container "${container}" in pod "${path.name}" not found`)
  }
  const hasTimestamps = request.query.get('timestamps') === 'true'
  const now = Date.now()
  const old = Array.from({ length: olderLines }, (_, index) => now - (olderLines - index) * 1000)
  const lines = tail(old, request.query.get('tailLines'))
  response.writeHead(200, { 'content-type': 'text/plain' })
  lines.forEach((atMs) => response.write(logLine(container, atMs, hasTimestamps)))
  if (request.query.get('follow') !== 'true') return void response.end()
  const startedAtMs = now
  const timer = setInterval(() => {
    response.write(logLine(container, Date.now(), hasTimestamps))
    if (response.writableLength > mostPendingBytes) response.destroy()
    if (Date.now() - startedAtMs > longestFollowMs) response.end()
  }, logIntervalMs)
  response.flushHeaders()
  response.once('close', () => clearInterval(timer))
}

/** @returns one line that a container wrote at a moment. */
export function logLine(container: string, atMs: number, hasTimestamps = false): string {
  const at = new Date(atMs).toISOString()
  return `${hasTimestamps ? `${at} ` : ''}${at} ${container}: GET /healthz 200\n`
}

function tail<Item>(items: Item[], asked: string | null): Item[] {
  const count = asked === null ? items.length : Number(asked)
  if (!Number.isInteger(count) || count < 0)
    throw badRequest('tailLines must be a number that is not negative')
  return items.slice(items.length - Math.min(count, items.length))
}
