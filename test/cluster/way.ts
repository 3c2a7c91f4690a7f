import { createConnection, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { apiServer } from './api-server.ts'

/** The way to the API server: bytes are passed on, until it is closed. */
export class Way {
  readonly server: string
  readonly #sockets: Set<Socket>
  #isOpen = true

  private constructor(port: number, sockets: Set<Socket>) {
    this.server = `https://127.0.0.1:${port}`
    this.#sockets = sockets
  }

  static async open(): Promise<Way> {
    const sockets = new Set<Socket>()
    const listener = createServer((client) => {
      if (!way.#isOpen) return void client.destroy()
      const server = createConnection(Number(apiServer.address.port), apiServer.address.hostname)
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        sockets.add(one)
        one.on('error', () => {})
        one.on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const way = new Way((listener.address() as AddressInfo).port, sockets)
    onTestFinished(() => {
      way.close()
      listener.close()
    })
    return way
  }

  /** What is open is cut, and nobody gets through. */
  close(): void {
    this.#isOpen = false
    for (const socket of this.#sockets) socket.destroy()
  }

  reopen(): void {
    this.#isOpen = true
  }
}
