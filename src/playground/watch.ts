import type { ServerResponse } from 'node:http'
import { ApiError, failureStatus } from './api-error.ts'
import type { KubeObject } from './kube-object.ts'
import type { Change, ObjectStore } from './object-store.ts'
import { representationOf } from './representation.ts'
import type { ApiRequest } from './request.ts'
import type { ResourcePath } from './resource-path.ts'
import { selectorOf } from './selector.ts'

const longestWatchMs = 60 * 60 * 1000
/** A client that reads nothing is dropped once this much waits for it. */
const mostPendingBytes = 4 * 1024 * 1024

/**
 * Streams changes as JSON lines until the client goes, its `timeoutSeconds` pass, or the hour is over.
 * @throws ApiError 400 for a selector or version that can't be read.
 */
export function streamWatch(
  request: ApiRequest,
  path: ResourcePath,
  store: ObjectStore,
  response: ServerResponse,
): void {
  const selected = selectorOf(request.query)
  const matches = (object: KubeObject): boolean =>
    (path.namespace === undefined || object.metadata.namespace === path.namespace) &&
    (path.name === undefined || object.metadata.name === path.name) &&
    selected(object)
  const representation = representationOf(request.accept, request.query)
  const send = (type: string, object: unknown): void => {
    response.write(`${JSON.stringify({ type, object })}\n`)
    if (response.writableLength > mostPendingBytes) response.destroy()
  }
  const show = (type: string, object: KubeObject): void =>
    send(type, representation.one(path.resource, object))
  const onChange = (change: Change): void => {
    if (change.resource !== path.resource) return
    const type = visibleType(change, matches)
    if (type !== undefined) show(type, change.object)
  }

  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  sendBacklog(request, path, store, { matches, onChange, show, send })
  const unsubscribe = store.subscribe(onChange)
  const timer = setTimeout(() => response.end(), watchMs(request.query))
  response.once('close', () => {
    clearTimeout(timer)
    unsubscribe()
  })
}

interface Sink {
  matches(object: KubeObject): boolean
  onChange(change: Change): void
  show(type: string, object: KubeObject): void
  send(type: string, object: unknown): void
}

/** What the client has not seen yet: all objects, or the changes since the version that it names. */
function sendBacklog(request: ApiRequest, path: ResourcePath, store: ObjectStore, sink: Sink): void {
  const version = request.query.get('resourceVersion') ?? ''
  const wantsInitialEvents = request.query.get('sendInitialEvents') === 'true'
  if (wantsInitialEvents || version === '' || version === '0') {
    for (const object of store.list(path.resource).filter(sink.matches)) sink.show('ADDED', object)
    if (wantsInitialEvents) sink.send('BOOKMARK', initialEventsEnd(path, String(store.version)))
    return
  }
  const changes = /^\d+$/.test(version) ? store.changesSince(Number(version)) : undefined
  if (changes !== undefined) changes.forEach(sink.onChange)
  else sink.send('ERROR', failureStatus(new ApiError(410, 'Expired', `too old resource version: ${version}`)))
}

function initialEventsEnd({ resource }: ResourcePath, resourceVersion: string): object {
  const annotations = { 'k8s.io/initial-events-end': 'true' }
  return { kind: resource.kind, apiVersion: 'v1', metadata: { resourceVersion, annotations } }
}

/** A change may move an object into or out of what the selectors show. */
function visibleType(change: Change, matches: (object: KubeObject) => boolean): string | undefined {
  const isShown = matches(change.object)
  if (change.type !== 'MODIFIED') return isShown ? change.type : undefined
  const wasShown = change.previous !== undefined && matches(change.previous)
  if (isShown) return wasShown ? 'MODIFIED' : 'ADDED'
  return wasShown ? 'DELETED' : undefined
}

function watchMs(query: URLSearchParams): number {
  const asked = Number(query.get('timeoutSeconds') ?? 0) * 1000
  return asked > 0 ? Math.min(asked, longestWatchMs) : longestWatchMs
}
