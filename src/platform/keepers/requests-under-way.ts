import type { RequestOf } from '../../protocol/messages.ts'

type Heard = RequestOf<'keeper.request'>

/** More than a gateway has connections under way in a second is not remembered. */
const mostHeld = 4_096

/**
 * What a gateway said of requests when they began: a lock ends it, and its keeper, without another word. What has ended by
 * itself, or was told in full meanwhile, is forgotten; what is left when the line ends was cut, and is recorded then.
 */
export class RequestsUnderWay {
  readonly #record: (request: Heard) => void
  readonly #begun = new Map<number, Heard>()

  constructor(record: (request: Heard) => void) {
    this.#record = record
  }

  hear({ number, phase, ...request }: Heard): void {
    if (number !== undefined) this.#begun.delete(number)
    if (phase === undefined) this.#record(request)
    if (phase === 'begun' && number !== undefined && this.#begun.size < mostHeld)
      this.#begun.set(number, request)
  }

  end(): void {
    for (const request of this.#begun.values()) this.#record(request)
    this.#begun.clear()
  }
}
