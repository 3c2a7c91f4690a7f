import { isAbsolute } from 'node:path'
import { call, checked } from './libc.ts'

const familyUnix = 1
/** <bits/socket_type.h>: datagrams, without waiting, closed to children. */
const datagram = 2
const nonBlocking = 0o4000
const closeOnExec = 0o2000000
/** <bits/socket.h> */
const dontWait = 0x40
const noSignal = 0x4000

/** sun_path (unix(7)), its last byte kept for a NUL. */
const longestPath = 107

/**
 * Sends one datagram to a unix socket, by its path or by its name in the kernel (`@…`). It is never waited for: a
 * socket whose reader hangs must not hang us.
 * @returns the errno's name where it could not be sent
 */
export function sendDatagram(address: string, bytes: Buffer): string | undefined {
  const target = socketAddress(address)
  if (target === undefined) return 'EAFNOSUPPORT'
  let socket: number | undefined
  try {
    const type = datagram | nonBlocking | closeOnExec
    socket = checked('socket', call('int socket(int domain, int type, int protocol)')(familyUnix, type, 0))
    send(socket, bytes, target)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown error'
  } finally {
    if (socket !== undefined) call('int close(int fd)')(socket)
  }
}

function send(socket: number, text: Buffer, target: Buffer): void {
  const prototype = 'long sendto(int fd, void *bytes, ulong length, int flags, void *address, uint size)'
  const sent = call(prototype)(socket, text, text.length, dontWait | noSignal, target, target.length)
  checked('sendto', sent)
}

/** struct sockaddr_un of a path, or of a name in the kernel (`@…`). */
function socketAddress(address: string): Buffer | undefined {
  const path = Buffer.from(address)
  const isName = address.startsWith('@') && path.length > 1
  if ((!isAbsolute(address) && !isName) || path.length > longestPath || path.includes(0)) return undefined
  if (isName) path[0] = 0
  const family = Buffer.alloc(2)
  family.writeUInt16LE(familyUnix)
  return Buffer.concat([family, path, Buffer.alloc(isName ? 0 : 1)])
}
