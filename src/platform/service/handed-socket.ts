import { GuardError } from '../../domain/errors.ts'
import { call, checked } from '../libc.ts'
import { checkSocket } from '../safe-place.ts'
import { handedDescriptors } from './environment.ts'

/** <asm-generic/socket.h>, <bits/socket.h> */
const solSocket = 1
const option = { type: 3, accepts: 30, domain: 39 } as const
const familyUnix = 1
const typeStream = 1

const setDescriptorFlags = 2
const closeOnExec = 1

/**
 * The one listening socket that a service manager handed to this process.
 * @param path where it must be bound: nobody would look for it elsewhere.
 * @returns its descriptor, closed to children; undefined where none was handed over.
 * @throws GuardError `place-unsafe` for what is no listening Unix socket, one at another place, or one in a folder that is
 *   not ours alone.
 */
export function takeHandedSocket(
  environment: NodeJS.ProcessEnv,
  pid: number,
  path: string,
): number | undefined {
  const [descriptor, ...more] = handedDescriptors(environment, pid)
  if (descriptor === undefined) return undefined
  if (more.length > 0) throw unusable(`${more.length + 1} sockets instead of one`)
  if (!isListeningUnixSocket(descriptor)) throw unusable('something that is no listening Unix socket')
  const bound = boundPath(descriptor)
  if (bound !== path) throw unusable(`a socket at ${bound === '' ? 'no path' : bound} instead of ${path}`)
  checkSocket(path)
  checked(
    'fcntl',
    call('int fcntl(int fd, int command, long flags)')(descriptor, setDescriptorFlags, closeOnExec),
  )
  return descriptor
}

function isListeningUnixSocket(descriptor: number): boolean {
  return (
    numberOption(descriptor, option.domain) === familyUnix &&
    numberOption(descriptor, option.type) === typeStream &&
    numberOption(descriptor, option.accepts) === 1
  )
}

/** getsockopt(2) with an int. @returns undefined where the descriptor is no socket, or not open. */
function numberOption(descriptor: number, name: number): number | undefined {
  const value = Buffer.alloc(4)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(value.length)
  const prototype = 'int getsockopt(int fd, int level, int option, void *value, void *length)'
  return call(prototype)(descriptor, solSocket, name, value, length) === -1 ? undefined : value.readInt32LE()
}

/** getsockname(2). @returns an empty string for a socket without a path: one with a name in the kernel, open to all. */
function boundPath(descriptor: number): string {
  const address = Buffer.alloc(2 + 108)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(address.length)
  checked(
    'getsockname',
    call('int getsockname(int fd, void *address, void *length)')(descriptor, address, length),
  )
  const path = address.subarray(2, length.readUInt32LE())
  const end = path.indexOf(0)
  return path.subarray(0, end === -1 ? path.length : end).toString()
}

function unusable(what: string): GuardError {
  return new GuardError('place-unsafe', `the service manager handed over ${what}`, {
    cure: 'let kubeguard write its units anew: kubeguard service install',
  })
}
