import { clientKey } from './guarded-session.ts'
import { startedBootMs } from './may-ask.ts'
import type { ProcessFacts, ProcessId, ProcessTable } from './ports.ts'

/** A client that met a lock. */
export interface Asker {
  /** Who would run the prompt: the shim, or the credential plugin. */
  readonly facts: ProcessFacts
  /** For whom: the shim itself, or the client that runs the plugin. */
  readonly client: ProcessId
  readonly mayWait: boolean
  /** Asked only where no question is open. `sinceBootMs`: when this client met the lock first. */
  mayAsk(sinceBootMs: number): boolean
}

export type Meeting =
  | { readonly verdict: 'ask' }
  | { readonly verdict: 'wait' }
  | { readonly verdict: 'refuse'; readonly because: 'locked' | 'given-up' | 'waited-long' }

interface Waiter {
  readonly facts: ProcessFacts
  readonly sinceBootMs: number
  /** What the question had counted when it was told to wait. */
  changes: number
}

/** Somebody was asked and did not unlock. */
interface GivenUp {
  readonly atBootMs: number
  /** Process groups of those whom that refused: what they start next belongs to the same job. */
  readonly groups: Set<number>
}

/** The question itself ends after a minute; a mistyped passphrase begins another. */
const longestWaitMs = 120_000
/** A background job may come before the command in the foreground that will ask for both. */
export const settleMs = 2_000
/** A loop or a script that goes on after a refusal must not ask again with its next command. */
const quietMs = 5_000
const mostWaiters = 256

/**
 * The question for one policy's passphrase: who has the turn to ask it, who waits for what comes of it, and who was
 * refused by it. Whoever asks may end or be stopped at any time: then the turn is somebody else's.
 */
export class Question {
  readonly #processes: Pick<ProcessTable, 'inspect' | 'isAlive'>
  readonly #waiters = new Map<string, Waiter>()
  readonly #told = new Set<number>()
  #holder: ProcessFacts | undefined
  #isStopped = false
  #changes = 0
  #passedOnBootMs = Number.NEGATIVE_INFINITY
  #givenUp: GivenUp | undefined
  /** Somebody said no where there is no terminal: what polls there would have the dialog come up again and again. */
  #quietWithoutTerminal = false

  constructor(processes: Pick<ProcessTable, 'inspect' | 'isAlive'>) {
    this.#processes = processes
  }

  /** Counts what may change the answer of those who wait. */
  get changes(): number {
    return this.#changes
  }

  /** What this client is to do at `nowBootMs`: ask, wait and come again, or go. */
  meet(asker: Asker, nowBootMs: number): Meeting {
    // It has asked, and comes again without an unlock.
    if (this.has(asker.facts)) this.pass(nowBootMs)
    const meeting = this.#decide(asker, nowBootMs)
    if (meeting.verdict === 'ask') this.begin(asker.facts)
    if (meeting.verdict !== 'wait') this.#waiters.delete(clientKey(asker.facts))
    return meeting
  }

  #decide(asker: Asker, nowBootMs: number): Meeting {
    if (this.#isRefused(asker, nowBootMs)) return { verdict: 'refuse', because: 'given-up' }
    const isOpen = this.asking(nowBootMs) !== undefined
    const waiting = this.#waiters.get(clientKey(asker.facts))
    const sinceBootMs = waiting?.sinceBootMs ?? nowBootMs
    if (!isOpen && !this.#isQuietFor(asker) && asker.mayAsk(sinceBootMs)) return { verdict: 'ask' }
    if (!asker.mayWait || !(isOpen || this.#mayOpen(asker, sinceBootMs, nowBootMs)))
      return { verdict: 'refuse', because: 'locked' }
    if (nowBootMs - sinceBootMs >= longestWaitMs) return { verdict: 'refuse', because: 'waited-long' }
    const waiter = waiting ?? this.#admit(asker, nowBootMs)
    if (waiter === undefined) return { verdict: 'refuse', because: 'locked' }
    waiter.changes = this.#changes
    return { verdict: 'wait' }
  }

  /** Its turn has come, or a person asks to be asked. */
  begin(holder: ProcessFacts): void {
    this.#holder = holder
    this.#isStopped = false
    this.#told.clear()
  }

  /** @returns who has the turn; undefined where nobody has, or where whoever has it is stopped. */
  asking(nowBootMs: number): ProcessFacts | undefined {
    if (this.#holder === undefined) return undefined
    const facts = this.#processes.inspect(this.#holder.pid)
    const isThere = facts?.startTicks === this.#holder.startTicks && !/[ZX]/.test(facts.state)
    if (!isThere) return this.pass(nowBootMs)
    const wasStopped = this.#isStopped
    this.#isStopped = /[Tt]/.test(facts.state)
    // After `fg` it goes on asking, unless somebody else does by then.
    if (this.#isStopped && !wasStopped) this.#passOn(nowBootMs)
    return this.#isStopped ? undefined : this.#holder
  }

  /** Whoever had the turn could not ask. */
  pass(nowBootMs: number): undefined {
    // What polls may end a client that takes too long, and start another.
    if (this.#holder?.ttyDevice === 0) this.#quietWithoutTerminal = true
    this.#holder = undefined
    this.#passOn(nowBootMs)
  }

  #passOn(nowBootMs: number): void {
    this.#passedOnBootMs = nowBootMs
    this.#changes += 1
  }

  has(id: ProcessId): boolean {
    return this.#holder !== undefined && clientKey(this.#holder) === clientKey(id)
  }

  /** @returns what was counted when this client was told to wait; undefined where it was not. */
  changesKnownTo(id: ProcessId): number | undefined {
    return this.#waiters.get(clientKey(id))?.changes
  }

  /** Where somebody waits on another terminal: has nobody there been told yet of the question? */
  isNewsAt(ttyDevice: number): boolean {
    if (ttyDevice === 0 || this.#holder === undefined || this.#holder.ttyDevice === ttyDevice) return false
    if (this.#told.has(ttyDevice)) return false
    this.#told.add(ttyDevice)
    return true
  }

  /** Unlocked: whatever was refused before means nothing any more. */
  answered(): void {
    this.#holder = undefined
    this.#givenUp = undefined
    this.#quietWithoutTerminal = false
    this.#changes += 1
  }

  /** The person said no, or could not say yes: an answer for all who wait. */
  giveUp(nowBootMs: number): void {
    const asked = [...this.#waiters.values()].map(({ facts }) => facts)
    const groups = [...asked, ...(this.#holder === undefined ? [] : [this.#holder])]
      // A shell without job control has its commands in its own group, whoever types them.
      .filter(({ pgrp, session }) => pgrp !== session)
      .map(({ pgrp }) => pgrp)
    if (this.#holder?.ttyDevice === 0) this.#quietWithoutTerminal = true
    this.#holder = undefined
    this.#givenUp = { atBootMs: nowBootMs, groups: new Set(groups) }
    this.#changes += 1
  }

  #isQuietFor({ facts }: Asker): boolean {
    return this.#quietWithoutTerminal && facts.ttyDevice === 0
  }

  #isRefused({ client, facts }: Asker, nowBootMs: number): boolean {
    if (this.#givenUp === undefined) return false
    const { atBootMs, groups } = this.#givenUp
    return startedBootMs(client) <= atBootMs || nowBootMs - atBootMs < quietMs || groups.has(facts.pgrp)
  }

  /** Nobody asks, but somebody may soon: the command in the foreground, or another one that waits. */
  #mayOpen({ facts }: Asker, sinceBootMs: number, nowBootMs: number): boolean {
    return facts.ttyDevice !== 0 && nowBootMs - Math.max(sinceBootMs, this.#passedOnBootMs) < settleMs
  }

  #admit({ facts }: Asker, sinceBootMs: number): Waiter | undefined {
    if (this.#waiters.size >= mostWaiters) this.#forgetDead()
    if (this.#waiters.size >= mostWaiters) return undefined
    const waiter = { facts, sinceBootMs, changes: this.#changes }
    this.#waiters.set(clientKey(facts), waiter)
    return waiter
  }

  #forgetDead(): void {
    for (const [key, { facts }] of this.#waiters)
      if (!this.#processes.isAlive(facts)) this.#waiters.delete(key)
  }
}
