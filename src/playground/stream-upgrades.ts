import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { ApiError, badRequest, failureStatus, pathNotFound, unauthorized } from './api-error.ts'
import type { Identity } from './authentication.ts'
import { containerOf } from './container.ts'
import type { KubeObject } from './kube-object.ts'
import type { ObjectStore } from './object-store.ts'
import { requestUrl } from './request.ts'
import { parseResourcePath } from './resource-path.ts'
import type { ResourcePath } from './resource-path.ts'

interface Stream {
  readonly path: ResourcePath
  readonly query: URLSearchParams
  readonly pod: KubeObject
  readonly protocol: string
}
export class StreamUpgrades {
  constructor(store: ObjectStore) { void store }
  accept(_message: IncomingMessage, socket: Duplex, _head: Buffer, _identity: Identity | undefined): void {
    socket.destroy()
  }
}
