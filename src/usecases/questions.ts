import type { Alarm, Clock, ProcessFacts, ProcessId, ProcessTable } from './ports.ts'
import { Question, settleMs } from './question.ts'
import type { Asker, Meeting } from './question.ts'

interface Deps {
  readonly clock: Clock
  readonly processes: Pick<ProcessTable, 'inspect' | 'isAlive' | 'lineage'>
}

/** An answer that is held back until something changes. */
interface HeldAnswer {
  readonly question: Question
  /** What the question had counted when the client was told to wait. */
  readonly changes: number
  readonly untilBootMs: number
  readonly send: () => void
}

/** Shorter than a client waits for any answer; then it is told to come again. */
const holdMs = 5_000
/** More than there are sessions; the one not asked for longest is forgotten. */
const mostQuestions = 2_048
/** How soon it is seen that whoever asks is gone, or stopped. */
const lookEveryMs = 200

/**
 * One question for all that a session is for, by its name: of many clients that meet a lock one asks for the passphrase, and
 * the others wait for what comes of it. Nothing wakes up while nobody waits.
 */
export class Questions {
  readonly #deps: Deps
  readonly #alarm: Alarm
  readonly #bySession = new Map<string, Question>()
  readonly #held = new Set<HeldAnswer>()

  /** `alarmFor` makes an alarm that calls what it is given. */
  constructor(deps: Deps, alarmFor: (onWake: () => void) => Alarm) {
    this.#deps = deps
    this.#alarm = alarmFor(() => this.#look())
  }

  meet(session: string, asker: Asker): Meeting {
    const meeting = this.#of(session).meet(asker, this.#now())
    this.#look()
    return meeting
  }

  /** Who asks, where this terminal has not been told of it yet; a terminal is told once. */
  newsFor(session: string, { ttyDevice }: ProcessFacts): ProcessFacts | undefined {
    const question = this.#of(session)
    const holder = question.asking(this.#now())
    return question.isNewsAt(ttyDevice) ? holder : undefined
  }

  /** Holds the answer to a client that was told to wait, until it may be another one. */
  async change(session: string, client: ProcessId): Promise<void> {
    const question = this.#of(session)
    const changes = question.changesKnownTo(client)
    if (changes === undefined) return
    const nowBootMs = this.#now()
    const forMs = question.asking(nowBootMs) === undefined ? Math.min(settleMs, holdMs) : holdMs
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#held.add({ question, changes, untilBootMs: nowBootMs + forMs, send: resolve })
    this.#look()
    await promise
  }

  /** A person typed `kubeguard unlock`: that is a question, too, unless one is open already. */
  begin(session: string, holder: ProcessFacts): void {
    const question = this.#of(session)
    if (question.asking(this.#now()) === undefined) question.begin(holder)
  }

  /** The session is unlocked. */
  answered(session: string): void {
    this.#of(session).answered()
    this.#look()
  }

  /** The prompt that the process `pid` ran ended without an unlock. One that has not the turn speaks for nobody. */
  giveUp(session: string, pid: number): void {
    const question = this.#bySession.get(session)
    const facts = this.#deps.processes.inspect(pid)
    if (question === undefined || facts === undefined) return
    for (const id of this.#deps.processes.lineage(facts)) {
      if (!question.has(id)) continue
      question.giveUp(this.#now())
      this.#look()
      return
    }
  }

  /** Sends the answers that may have become others. */
  #look(): void {
    const nowBootMs = this.#now()
    if (this.#held.size === 0) return
    for (const question of this.#bySession.values()) question.asking(nowBootMs)
    for (const held of this.#held) {
      if (held.changes === held.question.changes && held.untilBootMs > nowBootMs) continue
      this.#held.delete(held)
      held.send()
    }
    if (this.#held.size > 0) this.#alarm.set(nowBootMs + lookEveryMs)
  }

  #now(): number {
    return this.#deps.clock.now().bootMs
  }

  #of(session: string): Question {
    const known = this.#bySession.get(session) ?? new Question(this.#deps.processes)
    this.#bySession.delete(session)
    this.#bySession.set(session, known)
    const oldest = this.#bySession.keys().next().value
    if (this.#bySession.size > mostQuestions && oldest !== undefined) this.#bySession.delete(oldest)
    return known
  }
}
