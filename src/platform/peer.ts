import type { Socket } from 'node:net'
import { peerCredentials } from './libc.ts'
import type { PeerCredentials } from './libc.ts'

/**
 * Who is at the other end of a Unix socket: as of connect(2), so the process may be gone, or be another
 * program by now. A pid of 0 means another pid namespace.
 * @throws Error when the socket is closed; LibcError when the kernel won't say.
 */
export function peerOf(socket: Socket): PeerCredentials {
  const fd = descriptorOf(socket)
  if (fd === undefined) throw new Error('the socket is closed')
  return peerCredentials(fd)
}

/** Node shows a socket's descriptor nowhere but on its handle. */
function descriptorOf(socket: Socket): number | undefined {
  const handle = (socket as unknown as { _handle?: { fd?: number } | null })._handle
  const fd = handle?.fd
  return fd === undefined || fd < 0 ? undefined : fd
}
