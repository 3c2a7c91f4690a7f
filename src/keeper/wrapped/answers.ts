import type { Instant } from '../../domain/instant.ts'
import type { GuardError } from '../../domain/errors.ts'
import { clientKey } from '../../usecases/guarded-session.ts'
import { ticksPerSecond } from '../../usecases/ports.ts'
import type { ProcessId } from '../../usecases/ports.ts'
import { credentialEndMs } from '../exec-credential.ts'
import type { WrappedItem } from './identity.ts'

/** What is left of an answer must be worth handing out, in ms. */
const leastLeftMs = 10_000
/** An answer that does not say when it ends is asked for anew after this time, in ms. */
const unendingMs = 5 * 60_000
/** A client that asks again this early before its credential ends was refused with it by the cluster. */
const slackMs = 60_000
/** So young an answer is given again all the same: a cluster that refuses everybody must not mean run after run. */
const youngMs = 10_000
/** For how long the clients that were there when a plugin failed are told so without another run, in ms. */
const failedMs = 10_000
/** Clients of one answer that are remembered; the oldest goes first. */
const mostClients = 1_024
/** Identities at a time; the least recently asked for goes first. */
const mostSlots = 256

interface Answer {
  readonly item: WrappedItem
  readonly at: Instant
  /** Until when, in wall-clock ms, each client has what it was given. */
  readonly clients: Map<string, number>
}

/** Who was told to run the plugin. */
export interface Runner {
  readonly client: ProcessId
}

/** One identity: what its plugin gave, or that it failed, and who runs it now. */
export class Slot {
  #answer: Answer | undefined
  #failure: { readonly at: Instant; readonly error: GuardError } | undefined
  #runner: Runner | undefined
  readonly #waiting = new Set<() => void>()

  get runner(): Runner | undefined {
    return this.#runner
  }

  /** An answer that is good enough for this client; one that it comes back with early is not. */
  answerFor(client: ProcessId, now: Instant): WrappedItem | undefined {
    const answer = this.#answer
    if (answer === undefined || leftMs(answer, now) < leastLeftMs) return undefined
    const until = answer.clients.get(clientKey(client))
    const isRefused = until !== undefined && until - now.wallMs > slackMs
    return isRefused && ageMs(answer.at, now) > youngMs ? undefined : answer.item
  }

  /** Who was there when the plugin failed, or comes back at once, as client-go does up to five times, hears of that. */
  failureFor(client: ProcessId, now: Instant): GuardError | undefined {
    const failure = this.#failure
    if (failure === undefined || ageMs(failure.at, now) > failedMs) return undefined
    return (client.startTicks * 1000) / ticksPerSecond <= failure.at.bootMs ? failure.error : undefined
  }

  /** The credential of this answer goes to this client, until then in wall-clock ms. */
  given(client: ProcessId, untilWallMs: number): void {
    const clients = this.#answer?.clients
    if (clients === undefined) return
    clients.set(clientKey(client), untilWallMs)
    const [oldest] = clients.keys()
    if (clients.size > mostClients && oldest !== undefined) clients.delete(oldest)
  }

  run(client: ProcessId): Runner {
    this.#runner = { client }
    return this.#runner
  }

  /** The runner is gone; what it was told is void. */
  abandon(runner: Runner): void {
    if (this.#runner !== runner) return
    this.#runner = undefined
    this.#wake()
  }

  succeed(runner: Runner, item: WrappedItem, at: Instant): void {
    this.#answer = { item, at, clients: new Map() }
    this.#failure = undefined
    this.#end(runner)
  }

  fail(runner: Runner, error: GuardError, at: Instant): void {
    this.#failure = { at, error }
    this.#end(runner)
  }

  /** Resolves when there is news, or after `ms`. */
  news(ms: number, gone: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#waiting.add(done)
      void gone.finally(done)
    })
  }

  get isIdle(): boolean {
    return this.#runner === undefined && this.#waiting.size === 0
  }

  #end(runner: Runner): void {
    if (this.#runner === runner) this.#runner = undefined
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }
}

/** One slot for each identity. */
export class Answers {
  readonly #slots = new Map<string, Slot>()

  slot(identity: string): Slot {
    const slot = this.#slots.get(identity) ?? new Slot()
    this.#slots.delete(identity)
    this.#slots.set(identity, slot)
    if (this.#slots.size > mostSlots) this.#dropOldest()
    return slot
  }

  #dropOldest(): void {
    for (const [identity, slot] of this.#slots) {
      if (!slot.isIdle) continue
      this.#slots.delete(identity)
      return
    }
  }
}

/** The boot clock: setting the wall clock makes nothing older. */
const ageMs = (at: Instant, now: Instant): number => now.bootMs - at.bootMs

function leftMs({ item, at }: Answer, now: Instant): number {
  const endMs = credentialEndMs(item)
  return endMs === Infinity ? unendingMs - ageMs(at, now) : endMs - now.wallMs
}
