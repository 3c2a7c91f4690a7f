import { parse } from 'yaml'
import { badRequest, invalid, methodNotAllowed, objectNotFound, successStatus } from './api-error.ts'
import { isRecord } from './kube-object.ts'
import type { KubeObject } from './kube-object.ts'
import type { ObjectStore } from './object-store.ts'
import { parsed, patched } from './patch.ts'
import { isProtobuf, readProtobuf } from './protobuf.ts'
import { representationOf } from './representation.ts'
import type { ApiRequest } from './request.ts'
import { resourceNamed } from './resource-catalogue.ts'
import type { Verb } from './resource-catalogue.ts'
import type { ResourcePath } from './resource-path.ts'
import { asRunning } from './seed.ts'
import { selectorOf } from './selector.ts'

export interface Answer {
  readonly code: number
  readonly body: unknown
}

const verbOf: Readonly<Record<string, Verb>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/**
 * Answers everything about objects but watches and streams.
 * @throws ApiError for what Kubernetes would refuse.
 */
export async function answerResource(
  request: ApiRequest,
  path: ResourcePath,
  store: ObjectStore,
): Promise<Answer> {
  const verb = request.method === 'GET' ? (path.name === undefined ? 'list' : 'get') : verbOf[request.method]
  const needsName = verb !== 'list' && verb !== 'create'
  if (verb === undefined || !path.resource.verbs.includes(verb)) throw methodNotAllowed()
  if (needsName !== (path.name !== undefined) || path.subresource !== undefined) throw methodNotAllowed()
  switch (verb) {
    case 'list':
      return list(request, path, store)
    case 'get':
      return show(request, path, 200, read(path, store))
    case 'create':
      return create(request, path, store)
    case 'update':
      return replace(request, path, store, checked(path, parsedObject(await request.body())))
    case 'patch':
      return patch(request, path, store)
    default:
      return remove(request, path, store)
  }
}

function list(request: ApiRequest, { resource, namespace }: ResourcePath, store: ObjectStore): Answer {
  const objects = store.list(resource, namespace).filter(selectorOf(request.query))
  const representation = representationOf(request.accept, request.query)
  return { code: 200, body: representation.list(resource, objects, String(store.version)) }
}

async function create(request: ApiRequest, path: ResourcePath, store: ObjectStore): Promise<Answer> {
  const object = checked(path, parsedObject(await request.body()))
  if (path.namespace !== undefined) store.get(resourceNamed('namespaces')!, undefined, path.namespace)
  const admitted = admit(object)
  return show(request, path, 201, isDryRun(request) ? admitted : store.create(path.resource, admitted))
}

/** What a cluster's own controllers and defaults would add: pods run at once, a secret has a type. */
function admit(object: KubeObject): KubeObject {
  if (object.kind === 'Pod') return asRunning(object, '10.244.0.100')
  return object.kind === 'Secret' ? { type: 'Opaque', ...object } : object
}

async function patch(request: ApiRequest, path: ResourcePath, store: ObjectStore): Promise<Answer> {
  const body = await request.body()
  const isApply = request.contentType.startsWith('application/apply-patch')
  const existing = store
    .list(path.resource, path.namespace)
    .find(({ metadata }) => metadata.name === path.name)
  if (existing === undefined && !isApply) throw objectNotFound(path.resource.plural, path.name!)
  const next = checked(path, patched(existing ?? {}, body, request.contentType))
  if (existing !== undefined) return replace(request, path, store, next)
  return show(request, path, 201, isDryRun(request) ? next : store.create(path.resource, next))
}

function replace(request: ApiRequest, path: ResourcePath, store: ObjectStore, object: KubeObject): Answer {
  const previous = read(path, store)
  const next = { ...object, ...(previous['status'] === undefined ? {} : { status: previous['status'] }) }
  return show(request, path, 200, isDryRun(request) ? next : store.replace(path.resource, next))
}

/** A delete names its dry run in the body, unlike all others. */
async function remove(request: ApiRequest, path: ResourcePath, store: ObjectStore): Promise<Answer> {
  const { metadata } = read(path, store)
  const body = await request.body()
  const options = body.length === 0 || isProtobuf(body) ? {} : parsed(body.toString(), parse)
  const isKept = isDryRun(request) || (isRecord(options) && Array.isArray(options['dryRun']))
  if (!isKept) store.remove(path.resource, path.namespace, metadata.name)
  return {
    code: 200,
    body: successStatus({ name: metadata.name, kind: path.resource.plural, uid: metadata.uid }),
  }
}

function show(request: ApiRequest, { resource }: ResourcePath, code: number, object: KubeObject): Answer {
  return { code, body: representationOf(request.accept, request.query).one(resource, object) }
}

function read({ resource, namespace, name }: ResourcePath, store: ObjectStore): KubeObject {
  return store.get(resource, namespace, name!)
}

function isDryRun(request: ApiRequest): boolean {
  return request.query.getAll('dryRun').includes('All')
}

/** Bodies are JSON or YAML, and protobuf where `kubectl create` sends nothing else. */
function parsedObject(body: Buffer): unknown {
  return isProtobuf(body) ? readProtobuf(body) : parsed(body.toString(), parse)
}

/** RFC 1123 subdomain, as Kubernetes wants names to be. */
const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

function checked({ resource, namespace, name }: ResourcePath, value: unknown): KubeObject {
  if (!isRecord(value) || !isRecord(value['metadata']))
    throw badRequest('the body is not a Kubernetes object')
  const { metadata } = value
  const kind = value['kind'] ?? resource.kind
  const apiVersion = value['apiVersion'] ?? 'v1'
  if (kind !== resource.kind || apiVersion !== 'v1') throw badRequest(`the body is not a v1 ${resource.kind}`)
  const ownName = metadata['name'] ?? name
  if (typeof ownName !== 'string' || ownName.length > 253 || !namePattern.test(ownName)) {
    throw invalid(resource.kind, String(ownName), 'metadata.name: must be a lowercase RFC 1123 subdomain')
  }
  if (name !== undefined && ownName !== name) throw badRequest('the name in the body is not that in the path')
  if ((metadata['namespace'] ?? namespace) !== namespace) {
    throw badRequest('the namespace in the body is not that in the path')
  }
  const place = namespace === undefined ? {} : { namespace }
  return { ...value, kind, apiVersion: 'v1', metadata: { ...metadata, name: ownName, ...place } }
}
