import { randomBytes } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { ensurePlace } from '../platform/safe-place.ts'
import { Connection } from './connection.ts'
import type { Answer } from './connection.ts'
import { limits } from '../protocol/limits.ts'

export type { Answer } from './connection.ts'

export interface Service {
  readonly path: string
  /** Takes no more clients; resolves when those that are being answered have their answer. */
  stop(): Promise<void>
}

/**
 * Listens on a socket of its own in `folder`, which only this account can reach.
 *
 * @throws GuardError place-unsafe
 */
export async function serve(folder: string, answer: Answer): Promise<Service> {
  ensurePlace(folder, 'private', 0o700)
  const path = join(folder, `${randomBytes(12).toString('hex')}.sock`)
  const connections = new Set<Connection>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection = new Connection(socket, answer)
    connections.add(connection)
    void connection.done.finally(() => connections.delete(connection))
  })
  // As many as the daemon has: all of them may wait for one wrapped exec plugin.
  server.maxConnections = limits.connections
  await listen(server, path)
  chmodSync(path, 0o600)
  return { path, stop: () => stop(server, connections) }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      // An accept that fails (no descriptors left) must not end the keeper.
      server.off('error', reject).on('error', () => {})
      resolve()
    })
  })
}

async function stop(server: Server, connections: ReadonlySet<Connection>): Promise<void> {
  // Removes the socket too.
  server.close()
  for (const connection of connections) connection.closeIfIdle()
  await Promise.all([...connections].map(({ done }) => done))
}
