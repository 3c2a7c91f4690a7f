import type { IncomingMessage } from 'node:http'
import type { Identity } from './authentication.ts'

/** What one request looked like; tests ask by it who came, and with what. */
export interface LoggedRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** The header as it came. Kept in memory only: it carries a token. */
  readonly authorization: string | undefined
  readonly identity: Identity | undefined
}

const mostEntries = 1000

/** The last thousand requests, in memory. */
export class RequestLog {
  readonly #entries: LoggedRequest[] = []
  #count = 0

  /** How many requests came since the start, upgrades included. */
  get count(): number {
    return this.#count
  }

  get entries(): readonly LoggedRequest[] {
    return this.#entries
  }

  get last(): LoggedRequest | undefined {
    return this.#entries.at(-1)
  }

  add(message: IncomingMessage, identity: Identity | undefined): void {
    const { method = '', url: target = '' } = message
    this.#entries.push({ method, target, authorization: message.headers.authorization, identity })
    this.#count += 1
    if (this.#entries.length > mostEntries) this.#entries.shift()
  }
}
