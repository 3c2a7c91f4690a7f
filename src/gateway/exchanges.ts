import type { ProcessId } from '../usecases/ports.ts'
import type { Answer } from './answer.ts'

/** One request that is under way, or one stream. */
export interface Exchange {
  readonly client: ProcessId
  /** Tells the client, as far as its protocol can now, and ends; nothing more is read or sent on. */
  end(why: Answer): void
}

/** All that is under way, so that a lock reaches it. */
export class Exchanges {
  readonly #open = new Set<Exchange>()

  get size(): number {
    return this.#open.size
  }

  begin(exchange: Exchange): void {
    this.#open.add(exchange)
  }

  over(exchange: Exchange): void {
    this.#open.delete(exchange)
  }

  /** Ends those of the clients that are meant. */
  end(why: Answer, isMeant: (client: ProcessId) => boolean = () => true): void {
    for (const exchange of this.#open) {
      if (!isMeant(exchange.client)) continue
      this.#open.delete(exchange)
      exchange.end(why)
    }
  }
}
