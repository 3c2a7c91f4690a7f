import { randomUUID } from 'node:crypto'
import { ApiError, alreadyExists, conflict, objectNotFound } from './api-error.ts'
import type { KubeObject } from './kube-object.ts'
import type { Resource } from './resource-catalogue.ts'

/** Something that happened to an object; `previous` tells a watch whether it has shown the object before. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly version: number
  readonly resource: Resource
  readonly object: KubeObject
  readonly previous: KubeObject | undefined
}

const mostObjects = 1000
const mostChanges = 1000

/** The playground's objects, in memory. Objects are never changed in place: a change stores a new one. */
export class ObjectStore {
  readonly #objects = new Map<string, KubeObject>()
  readonly #changes: Change[] = []
  readonly #listeners = new Set<(change: Change) => void>()
  #version = 1

  /** The resource version of the whole store: that of the last change. */
  get version(): number {
    return this.#version
  }

  /** @returns the objects of a resource by namespace and name, those of one namespace where one is given. */
  list(resource: Resource, namespace?: string): KubeObject[] {
    const prefix = namespace === undefined ? `${resource.plural}/` : `${resource.plural}/${namespace}/`
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).toSorted()
    return keys.map((key) => this.#objects.get(key)!)
  }

  /** @throws ApiError 404 where there is no such object. */
  get(resource: Resource, namespace: string | undefined, name: string): KubeObject {
    const object = this.#objects.get(keyOf(resource, namespace, name))
    if (object === undefined) throw objectNotFound(resource.plural, name)
    return object
  }

  /** @throws ApiError 409 where the name is taken, 403 where the store is full. */
  create(resource: Resource, object: KubeObject): KubeObject {
    const { name, namespace } = object.metadata
    if (this.#objects.has(keyOf(resource, namespace, name))) throw alreadyExists(resource.plural, name)
    if (this.#objects.size >= mostObjects) {
      throw new ApiError(403, 'Forbidden', `the playground holds at most ${mostObjects} objects`)
    }
    const creationTimestamp =
      object.metadata.creationTimestamp ?? new Date().toISOString().replace(/\.\d+/, '')
    return this.#record('ADDED', resource, undefined, {
      ...object,
      metadata: { ...object.metadata, uid: randomUUID(), creationTimestamp },
    })
  }

  /** @throws ApiError 404 where it is gone, 409 where `object` was read before a later change. */
  replace(resource: Resource, object: KubeObject): KubeObject {
    const { name, namespace, resourceVersion } = object.metadata
    const previous = this.get(resource, namespace, name)
    const { uid, creationTimestamp, resourceVersion: current } = previous.metadata
    if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== current) {
      throw conflict(resource.plural, name)
    }
    return this.#record('MODIFIED', resource, previous, {
      ...object,
      metadata: { ...object.metadata, uid: uid!, creationTimestamp: creationTimestamp! },
    })
  }

  /** @throws ApiError 404 where there is no such object. */
  remove(resource: Resource, namespace: string | undefined, name: string): KubeObject {
    const previous = this.get(resource, namespace, name)
    return this.#record('DELETED', resource, previous, previous)
  }

  /** @returns what happened after a version, or undefined where the store no longer remembers all of it. */
  changesSince(version: number): readonly Change[] | undefined {
    const oldest = this.#changes[0]?.version ?? this.#version + 1
    if (version + 1 < oldest) return undefined
    return this.#changes.filter((change) => change.version > version)
  }

  /** @returns the call that ends the subscription. */
  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #record(
    type: Change['type'],
    resource: Resource,
    previous: KubeObject | undefined,
    next: KubeObject,
  ): KubeObject {
    this.#version += 1
    const object = { ...next, metadata: { ...next.metadata, resourceVersion: String(this.#version) } }
    const key = keyOf(resource, object.metadata.namespace, object.metadata.name)
    if (type === 'DELETED') this.#objects.delete(key)
    else this.#objects.set(key, object)
    const change = { type, version: this.#version, resource, object, previous }
    this.#changes.push(change)
    if (this.#changes.length > mostChanges) this.#changes.shift()
    for (const listener of this.#listeners) listener(change)
    return object
  }
}

function keyOf(resource: Resource, namespace: string | undefined, name: string): string {
  return `${resource.plural}/${namespace ?? ''}/${name}`
}
