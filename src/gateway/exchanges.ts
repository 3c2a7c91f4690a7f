import type { ProcessId } from '../usecases/ports.ts'
import type { Answer } from './answer.ts'

/** One request that is under way, or one stream. */
export interface Exchange {
  readonly client: ProcessId
  /** Tells the client, as far as its protocol can now; nothing more is read or sent on. */
  end(why: Answer): void
  /** Lets go of the API server. After `end`. */
  letGo(): void
}

/** What the telling may take; nothing passes in either direction meanwhile. */
const tellingMs = 30

/** All that is under way, so that a lock reaches it. */
export class Exchanges {
  readonly #open = new Set<Exchange>()
  /** Were ended, and their clients may not have heard it yet. */
  readonly #ending = new Set<Exchange>()
  #whenOver: (() => void) | undefined

  get size(): number {
    return this.#open.size
  }

  begin(exchange: Exchange): void {
    this.#open.add(exchange)
  }

  over(exchange: Exchange): void {
    this.#open.delete(exchange)
    this.#ending.delete(exchange)
    if (this.#ending.size === 0) this.#whenOver?.()
  }

  /**
   * Ends those of the clients that are meant. All are told before a connection to an API server is taken down: that
   * takes ten times as long, and nobody waits for it.
   */
  end(why: Answer, isMeant: (client: ProcessId) => boolean = () => true): void {
    const ended = [...this.#open].filter(({ client }) => isMeant(client))
    for (const exchange of ended) {
      this.#open.delete(exchange)
      this.#ending.add(exchange)
      exchange.end(why)
    }
    setTimeout(() => ended.forEach((exchange) => exchange.letGo()), tellingMs)
  }

  /** Resolves once every client that was told has it. */
  told(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenOver = resolve
      if (this.#ending.size === 0) resolve()
    })
  }
}
