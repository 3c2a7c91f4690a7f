import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { FrameReader } from '../../src/protocol/channel.ts'
import type { Frame } from '../../src/protocol/channel.ts'
import { decodeError, decodeReply, encodeRequest } from '../../src/protocol/frame.ts'
import { errorId } from '../../src/protocol/messages.ts'
import type { MessageName, ReplyOf, RequestOf } from '../../src/protocol/messages.ts'
import type { TestHome } from '../fixtures/home.ts'

/** One connection to a daemon, one request after another, with nothing between us and the wire. */
export class DaemonClient {
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  #waiting: PromiseWithResolvers<Frame> | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) =>
      this.#reader.push(chunk).forEach((frame) => this.#waiting?.resolve(frame)),
    )
    socket.on('close', () => this.#waiting?.reject(new Error('the daemon closed the connection')))
    socket.on('error', () => {})
  }

  static async to(path: string): Promise<DaemonClient> {
    const socket = connect(path)
    await once(socket, 'connect')
    return new DaemonClient(socket)
  }

  static toDaemonOf(home: TestHome): Promise<DaemonClient> {
    return DaemonClient.to(readFileSync(join(home.guardHome, 'state', 'daemon.lock'), 'utf8').trim())
  }

  /** @throws Error with the daemon's message where it refuses. */
  async ask<Name extends MessageName>(name: Name, request: RequestOf<Name>): Promise<ReplyOf<Name>> {
    const frame = await this.exchange(encodeRequest(name, request))
    if (frame.id === errorId) throw new Error(decodeError(frame.body).message)
    return decodeReply(name, frame.body)
  }

  async exchange(bytes: Buffer): Promise<Frame> {
    this.#waiting = Promise.withResolvers()
    this.#socket.write(bytes)
    return this.#waiting.promise
  }

  close(): void {
    this.#socket.destroy()
  }
}
