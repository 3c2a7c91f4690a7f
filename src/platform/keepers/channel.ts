import type { Duplex } from 'node:stream'
import { FrameReader } from '../../protocol/channel.ts'
import type { Frame } from '../../protocol/channel.ts'
import {
  decodeError,
  decodeReply,
  encodeError,
  encodeReply,
  encodeRequest,
  requestName,
} from '../../protocol/frame.ts'
import { errorId, messages, protocolVersion, replyBit } from '../../protocol/messages.ts'
import type { MessageName, ReplyOf, RequestOf } from '../../protocol/messages.ts'
import { GuardError } from '../../domain/errors.ts'

/** Answers one request of the other side, from its body. */
export type Answers = {
  readonly [Name in MessageName]?: (body: Buffer) => ReplyOf<Name> | Promise<ReplyOf<Name>>
}

interface Waiting {
  readonly name: MessageName
  resolve(body: Buffer): void
  reject(error: Error): void
}

/**
 * The line between daemon and keeper: our frames both ways on a socket pair. Each side asks and answers;
 * answers come in the order of the questions. Anything that does not fit ends it, and with it the keeper.
 */
export class KeeperChannel {
  readonly #stream: Duplex
  readonly #answers: Answers
  readonly #reader = new FrameReader()
  readonly #waiting: Waiting[] = []
  #answered: Promise<void> = Promise.resolve()

  constructor(stream: Duplex, answers: Answers) {
    this.#stream = stream
    this.#answers = answers
    stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    stream.on('error', () => stream.destroy())
    // End of input is the other side's end: there is no half-closed state.
    stream.on('end', () => stream.destroy())
    stream.on('close', () => this.#giveUp())
  }

  /** @throws GuardError internal when the channel closes before the answer, or the other side refuses */
  request<Name extends MessageName>(name: Name, value: RequestOf<Name>): Promise<ReplyOf<Name>> {
    return new Promise((resolve, reject) => {
      const settle = (body: Buffer): void => {
        try {
          resolve(decodeReply(name, body))
        } catch (error) {
          reject(error as Error)
        }
      }
      if (this.#stream.destroyed) return reject(closed())
      this.#waiting.push({ name, reject, resolve: settle })
      this.#stream.write(encodeRequest(name, value))
    })
  }

  /** Sends what no answer comes to. @throws GuardError internal when it is closed, or the other side reads nothing */
  tell<Name extends MessageName>(name: Name, value: RequestOf<Name>): void {
    if (this.#stream.destroyed) throw closed()
    if (this.#stream.writableNeedDrain) throw new GuardError('internal', 'the keeper does not read')
    this.#stream.write(encodeRequest(name, value))
  }

  onClose(listener: () => void): void {
    this.#stream.on('close', listener)
  }

  close(): void {
    this.#stream.destroy()
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame)
    } catch {
      this.#stream.destroy()
    }
  }

  #handle(frame: Frame): void {
    if (frame.version !== protocolVersion) throw new Error('another version')
    if ((frame.id & replyBit) !== 0) return this.#settle(frame)
    const name = requestName(frame.id)
    if (name === undefined || this.#answers[name] === undefined) throw new Error('unexpected request')
    if ('told' in messages[name]) return void this.#answers[name](frame.body)
    // Begun now; only the sending waits its turn.
    const reply = answer(name, this.#answers[name], frame.body)
    this.#answered = this.#answered.then(async () => void this.#stream.write(await reply))
  }

  #settle(frame: Frame): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) throw new Error('an answer to nothing')
    if (frame.id === errorId) {
      waiting.reject(new GuardError('internal', decodeError(frame.body).message))
    } else if (frame.id === (messages[waiting.name].id | replyBit)) waiting.resolve(frame.body)
    else waiting.reject(new GuardError('internal', 'an answer to something else'))
  }

  #giveUp(): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closed())
  }
}

async function answer<Name extends MessageName>(
  name: Name,
  handler: NonNullable<Answers[Name]>,
  body: Buffer,
): Promise<Buffer> {
  try {
    return encodeReply(name, (await handler(body)) as ReplyOf<Name>)
  } catch {
    return encodeError({
      code: 'internal',
      message: `${name} failed`,
      cure: 'run: kubeguard doctor',
      exitCode: 75,
    })
  }
}

const closed = (): GuardError => new GuardError('internal', 'the line between daemon and keeper is closed')
