import { createHash, timingSafeEqual } from 'node:crypto'
import type { ProcessId } from '../usecases/ports.ts'

export interface ExpectedTicket {
  readonly client: ProcessId
  readonly purpose: 'open' | 'issue'
  readonly credential: string | undefined
}

interface Registered extends ExpectedTicket {
  readonly digest: Buffer
  readonly untilBootMs: number
}

/** More are never on their way at once; the oldest gives way. */
const mostTickets = 1024
/** The client asks for a passphrase between the ticket and its use. */
const openMs = 120_000
const issueMs = 30_000

/** The tickets that the daemon has registered. A ticket is one attempt, whoever makes it. */
export class Tickets {
  readonly #now: () => number
  #registered: Registered[] = []

  /** @param bootMs now, in ms of a clock that counts suspended time */
  constructor(bootMs: () => number) {
    this.#now = bootMs
  }

  add(ticket: Buffer, expected: ExpectedTicket): void {
    const untilBootMs = this.#now() + (expected.purpose === 'open' ? openMs : issueMs)
    this.#registered.push({ ...expected, digest: digest(ticket), untilBootMs })
    if (this.#registered.length > mostTickets) this.#registered.shift()
  }

  /**
   * Takes a ticket out of the register; what it was registered for is checked by the caller. All tickets
   * are compared, each in constant time, so that the time says nothing.
   */
  take(ticket: Buffer): ExpectedTicket | undefined {
    const wanted = digest(ticket)
    const now = this.#now()
    let found: Registered | undefined
    for (const registered of this.#registered) {
      if (timingSafeEqual(registered.digest, wanted)) found = registered
    }
    this.#registered = this.#registered.filter((other) => other !== found && other.untilBootMs > now)
    return found !== undefined && found.untilBootMs > now ? found : undefined
  }
}

const digest = (ticket: Buffer): Buffer => createHash('sha256').update(ticket).digest()
