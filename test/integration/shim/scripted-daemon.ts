import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { FrameReader } from '../../../src/protocol/channel.ts'
import type { Frame } from '../../../src/protocol/channel.ts'
import { decodeRequest, encodeReply } from '../../../src/protocol/frame.ts'
import { messages } from '../../../src/protocol/messages.ts'
import type { MessageName, ReplyOf, RequestOf } from '../../../src/protocol/messages.ts'

type Respond = (frame: Frame, socket: Socket) => void

/** A daemon, or a keeper, that does what the test says with each frame, well-formed or not. */
export class ScriptedDaemon {
  readonly path: string
  readonly requests: Frame[] = []
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #respond: Respond = (_frame, socket) => socket.destroy()

  constructor(path: string) {
    this.path = path
    this.#server = createServer((socket) => this.#serve(socket))
  }

  async listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.on('error', reject)
    this.#server.listen(this.path, resolve)
    await promise
  }

  /**
   * Each frame is given to `respond`; the answers of `replies` come one after the other, the last one
   * again.
   */
  responds(respond: Respond): void {
    this.#respond = respond
  }

  replies<Name extends MessageName>(name: Name, ...values: ReplyOf<Name>[]): void {
    let next = 0
    this.responds((_frame, socket) => {
      const value = values[Math.min(next, values.length - 1)]
      next += 1
      socket.write(encodeReply(name, value as ReplyOf<Name>))
    })
  }

  /** The requests that came, decoded. */
  asked<Name extends MessageName>(name: Name): RequestOf<Name>[] {
    return this.requests
      .filter((frame) => frame.id === messages[name].id)
      .map((frame) => decodeRequest(name, frame.body))
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (!this.#server.listening) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    await promise
  }

  #serve(socket: Socket): void {
    const reader = new FrameReader()
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) {
        this.requests.push({ ...frame, body: Buffer.from(frame.body) })
        this.#respond(frame, socket)
      }
    })
  }
}
