import { GuardError } from '../domain/errors.ts'
import { decodeRequest, encodeReply, requestName } from '../protocol/frame.ts'
import type { ReplyOf } from '../protocol/messages.ts'
import type { Call, Ongoing } from './connection.ts'

type Reply = Buffer | Ongoing

/**
 * One attempt on one connection: the client's request is answered by what came of the work, or before that by questions
 * of factors, each of which it answers in turn.
 */
export class Dialogue {
  #asked: 'keeper.open' | 'keeper.answer' = 'keeper.open'
  #reply = Promise.withResolvers<Reply>()
  readonly #gone: Promise<never>
  readonly #asks: (withinMs: number) => void

  /**
   * @param gone resolves when nobody waits for the answer any more
   * @param asks is told of each question, and how long the answer may take
   */
  constructor(gone: Promise<void>, asks: (withinMs: number) => void) {
    this.#asks = asks
    this.#gone = gone.then(() => {
      throw new GuardError('unlock-cancelled', 'nobody waits any more')
    })
    this.#gone.catch(() => {})
  }

  /** @returns the reply to the first request. @throws what the work throws, where it asked nothing before */
  run(work: (dialogue: this) => Promise<ReplyOf<'keeper.open'>>): Promise<Reply> {
    const first = this.#reply.promise
    work(this).then(
      (reply) => this.#reply.resolve(encodeReply(this.#asked, reply)),
      (error: unknown) => this.#reply.reject(error),
    )
    return first
  }

  /** @throws GuardError unlock-cancelled: the client is gone */
  ask(factor: string, question: Buffer, withinMs: number): Promise<Buffer> {
    this.#asks(withinMs)
    const answer = Promise.withResolvers<Buffer>()
    const next = (call: Call): Promise<Reply> => {
      if (requestName(call.frame.id) !== 'keeper.answer')
        throw new GuardError('protocol-error', 'not expected now')
      // A copy: what was read is wiped as soon as there is a reply.
      const said = Buffer.from(decodeRequest('keeper.answer', call.frame.body).answer)
      this.#asked = 'keeper.answer'
      this.#reply = Promise.withResolvers<Reply>()
      answer.resolve(said)
      return this.#reply.promise
    }
    this.#reply.resolve({ bytes: encodeReply(this.#asked, { factor, question }), next, withinMs })
    return Promise.race([answer.promise, this.#gone])
  }
}
