import type { Socket } from 'node:net'
import { isSameProcess } from '../domain/hold.ts'
import { ancestryOf } from '../platform/processes/inspect.ts'
import { socketOwner, holdsSocket, processWithSocket } from '../platform/processes/socket-owner.ts'
import type { SocketOwner } from '../platform/processes/socket-owner.ts'
import type { ProcessId } from '../usecases/ports.ts'

/** Who is at the other end of a connection. */
export interface Peers {
  /** Is it a process of this account? Looked at once, as the connection comes. */
  accept(socket: Socket): boolean
  /** Is it this client, or something that it has started? */
  isOf(socket: Socket, client: ProcessId): boolean
}

interface Peer extends SocketOwner {
  /** Whose it was found to be, so that a request on a kept connection costs nothing. */
  client?: ProcessId
}

/** By what the kernel says of the client’s end of each connection (/proc/net/tcp, /proc/PID/fd). */
export class LocalPeers implements Peers {
  /** By the client’s port: there is one connection from each at a time. */
  readonly #peers = new Map<number, Peer>()

  accept(socket: Socket): boolean {
    const { remotePort, localPort } = socket
    if (remotePort === undefined || localPort === undefined) return false
    const owner = socketOwner(remotePort, localPort)
    if (owner === undefined || owner.uid !== process.getuid?.()) return false
    this.#peers.set(remotePort, owner)
    // The port may be another connection’s by then.
    socket.once('close', () => {
      if (this.#peers.get(remotePort) === owner) this.#peers.delete(remotePort)
    })
    return true
  }

  isOf(socket: Socket, client: ProcessId): boolean {
    const peer = this.#peers.get(socket.remotePort ?? -1)
    if (peer === undefined) return false
    if (peer.client !== undefined && isSameProcess(peer.client, client)) return true
    if (!holdsSocket(client, peer.inode) && !this.#cameOf(peer, client)) return false
    peer.client = client
    return true
  }

  #cameOf(peer: Peer, client: ProcessId): boolean {
    const pid = processWithSocket(peer.inode)
    if (pid === undefined) return false
    for (const ancestor of ancestryOf(pid)) if (isSameProcess(ancestor, client)) return true
    return false
  }
}
