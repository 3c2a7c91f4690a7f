import { chmodSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { peerOf } from '../platform/peer.ts'
import { serveConnection } from './connection.ts'
import { Connections } from './connections.ts'
import type { Router } from './router.ts'

interface Options {
  readonly path: string
  readonly router: Router
  readonly warn: (message: string, facts: Record<string, string | number>) => void
}

/**
 * Listens on the daemon's socket, 0600 in a folder of ours. Only processes of this account are served:
 * the kernel says who connected (SO_PEERCRED, unix(7)).
 */
export async function listen({ path, router, warn }: Options): Promise<Server> {
  rmSync(path, { force: true })
  const connections = new Connections()
  const server = createServer({ allowHalfOpen: true }, (socket) => accept(socket, connections, router, warn))
  server.on('error', (error) => warn('the socket failed', { error: error.message }))
  const before = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } finally {
    process.umask(before)
  }
  chmodSync(path, 0o600)
  return server
}

function accept(socket: Socket, connections: Connections, router: Router, warn: Options['warn']): void {
  try {
    const peer = peerOf(socket)
    if (peer.uid !== process.getuid?.()) {
      warn('another account knocked', { uid: peer.uid })
      socket.destroy()
      return
    }
    const isIdle = serveConnection(socket, (frame, gone) => router.answer(frame, { pid: peer.pid, gone }))
    if (!connections.admit({ socket, pid: peer.pid, isIdle })) socket.destroy()
  } catch {
    socket.destroy()
  }
}
