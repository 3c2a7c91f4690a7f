import type { Socket } from 'node:net'
import { limits } from '../protocol/limits.ts'

interface Connection {
  readonly socket: Socket
  readonly pid: number
  /** Nothing of its client's is being answered: it has not spoken yet, or not lately. */
  readonly isIdle: () => boolean
}

/**
 * The connections that are open, oldest first. Where there are too many, a process that has many makes room: silent
 * ones of its own first. So whoever opens hundreds, by mistake or on purpose, holds off nobody but itself.
 */
export class Connections {
  readonly #open = new Set<Connection>()

  /** Takes a connection in. @returns false where there is no room for it. */
  admit(connection: Connection): boolean {
    if (this.#open.size >= limits.connections && !this.#makeRoom()) return false
    this.#open.add(connection)
    connection.socket.once('close', () => this.#open.delete(connection))
    return true
  }

  #makeRoom(): boolean {
    const byPid = Map.groupBy(this.#open, ({ pid }) => pid).values()
    const most = [...byPid].reduce((found, own) => (own.length > found.length ? own : found), [])
    const victim = most.find(({ isIdle }) => isIdle()) ?? (most.length > 1 ? most[0] : undefined)
    if (victim === undefined) return false
    victim.socket.destroy()
    // Not when it is closed, a turn of the loop later: the next one may be here before that.
    return this.#open.delete(victim)
  }
}
