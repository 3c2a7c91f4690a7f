import { GuardError } from '../domain/errors.ts'
import { places } from '../platform/dirs.ts'
import type { Dirs } from '../platform/dirs.ts'
import { connectTo } from './connect.ts'

/**
 * Has a service manager start the daemon, where one listens for that. Nothing is said on this connection: a daemon
 * closes it when it is ready, and is then found as any other.
 * @returns whether somebody listened, and let go of the connection within `withinMs`.
 * @throws GuardError `place-unsafe` when the socket, its folder or the process behind it is not ours.
 */
export async function ringBell(found: Dirs, withinMs: number): Promise<boolean> {
  const socket = await connectTo(places.bell(found), 'daemon').catch((error: unknown) => {
    // It is there, and nobody takes connections: we do without.
    if (error instanceof GuardError && error.code === 'daemon-unreachable') return undefined
    throw error
  })
  if (socket === undefined) return false
  const answered = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => answered.resolve(false), withinMs)
  socket.on('close', () => answered.resolve(true))
  // A manager that gives up on the daemon resets the connection.
  socket.on('error', () => undefined)
  socket.resume()
  try {
    return await answered.promise
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}
