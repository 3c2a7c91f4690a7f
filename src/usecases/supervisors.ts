import { escapeByte } from '../domain/escape-key.ts'
import { GuardError } from '../domain/errors.ts'
import type { Instant } from '../domain/session.ts'
import type { ReplyOf, RequestOf } from '../protocol/messages.ts'
import { clientKey } from './guarded-session.ts'
import type { Client, GuardedSession } from './guarded-session.ts'
import type { Clock, Journal, ProcessFacts, ProcessId, ProcessTable, TerminalId, Terminals } from './ports.ts'
import type { SessionTable } from './session-table.ts'

interface Deps {
  readonly clock: Clock
  readonly journal: Journal
  readonly processes: ProcessTable
  readonly table: () => SessionTable
  /** The supervisor's program: nobody else is believed. */
  readonly program: string
}

type Ending = Pick<ReplyOf<'supervisor.wait'>, 'byPerson' | 'message'>

/** What a lock screen says, and what an unlock there opens. */
interface Cover {
  readonly policy: string
  readonly lines: string
}

/** A supervisor that stands still, or whose terminal takes no more, is not waited for. */
const coverWithinMs = 3_000

interface Supervisor {
  readonly id: ProcessId
  readonly guarded: GuardedSession
  readonly client: Client
  /** The key that speaks to kubeguard there, as the policy has it. */
  readonly escape: string
  /** The person's terminal; undefined where it is none of this machine's. */
  readonly outer: TerminalId | undefined
  /** The device of the terminal that the program has. */
  readonly device: number
  /** What it is to be told when it asks: the end, else a warning, or what was asked for. */
  ending: Ending | undefined
  warning: string | undefined
  notice: string | undefined
  /** It keeps what the program writes, so that its screen can be brought back. */
  readonly suspends: boolean
  /** What is to stand before the screen, and what it was told of that last. */
  cover: Cover | undefined
  toldCover: Cover | undefined
  /** Resolves with whether the lock screen stands. */
  covered: (stands: boolean) => void
  /** Resolves what it waits for. */
  wake: () => void
  typedMs: number | undefined
  keys: number
  output: number
}

/** What is known of a person at a terminal that is, or was, supervised. */
interface Seen {
  /** What moved the terminal's access time up to here may have been the terminal's own answers. */
  untilMs: number
  /** When a supervisor last said that somebody typed. */
  typedMs: number | undefined
}

/** More terminals than a person has; the one supervised first is forgotten first. */
const mostTerminals = 256

/**
 * The supervisors between terminals and interactive streams. While one reads a terminal, a program in a pod can have that
 * terminal answer it, which moves its access time; so it is the supervisor's word that says whether somebody typed.
 */
export class Supervisors {
  readonly program: string
  readonly #deps: Deps
  readonly #running = new Map<string, Supervisor>()
  readonly #seen = new Map<string, Seen>()

  constructor(deps: Deps) {
    this.#deps = deps
    this.program = deps.program
  }

  /**
   * A process that the gate has named as one to be supervised is our supervisor now, until its connection ends.
   * @throws GuardError `client-unknown` for any other process, `locked` where a lock came meanwhile.
   */
  begin(pid: number, device: number, terminals: Terminals, gone: AbortSignal): ReplyOf<'supervisor.begin'> {
    const { facts, client, guarded } = this.#named(pid)
    const id = { pid: facts.pid, startTicks: facts.startTicks }
    const outer = terminals.ofProcess(facts)
    const { escape, live } = this.#deps.table().rules(guarded.policy)
    const suspends = live === 'suspend'
    const nothing = { ending: undefined, warning: undefined, notice: undefined }
    const uncovered = { cover: undefined, toldCover: undefined, covered: () => {} }
    const told = { ...nothing, ...uncovered, wake: () => {} }
    const said = { typedMs: undefined, keys: 0, output: 0 }
    const supervisor: Supervisor = {
      id,
      guarded,
      client,
      escape,
      outer,
      device,
      suspends,
      ...told,
      ...said,
    }
    this.#running.set(clientKey(id), supervisor)
    this.#seenAt(outer)
    const leave = (): void => this.#leave(supervisor)
    if (gone.aborted) leave()
    else gone.addEventListener('abort', leave)
    return { escape: escapeByte(escape), suspends }
  }

  /** Resolves when there is news of a lock: the end, a cover, or a warning. @throws GuardError `client-unknown` */
  async wait(pid: number): Promise<ReplyOf<'supervisor.wait'>> {
    const supervisor = this.#of(pid)
    for (;;) {
      const { ending, warning, notice, cover, toldCover } = supervisor
      if (ending !== undefined) return { ...ending, uncover: false }
      supervisor.toldCover = cover
      if (cover === undefined && toldCover !== undefined) return { byPerson: false, uncover: true }
      if (cover !== undefined && cover !== toldCover)
        return { byPerson: false, uncover: false, cover: cover.lines, policy: cover.policy }
      supervisor.warning = undefined
      if (warning !== undefined) return { byPerson: false, uncover: false, warning }
      supervisor.notice = undefined
      if (notice !== undefined) return { byPerson: false, uncover: false, notice }
      await new Promise<void>((resolve) => (supervisor.wake = resolve))
    }
  }

  /** One line for every terminal whose stream ends with this session. */
  warn(guarded: GuardedSession, text: string): void {
    for (const supervisor of this.#running.values()) {
      if (supervisor.guarded !== guarded) continue
      supervisor.warning = text
      supervisor.wake()
    }
  }

  /** Lines for the terminal of one stream. @throws GuardError `client-unknown` */
  tell(pid: number, notice: string): void {
    const supervisor = this.#of(pid)
    supervisor.notice = notice
    supervisor.wake()
  }

  /** @throws GuardError `client-unknown` */
  streamOf(pid: number): Pick<Supervisor, 'guarded' | 'escape'> {
    return this.#of(pid)
  }

  /** Can this client be covered? */
  maySuspend(client: ProcessId): boolean {
    const supervisor = this.#running.get(clientKey(client))
    return supervisor?.suspends === true && supervisor.ending === undefined
  }

  /** Is this supervisor's stream covered, or about to be? */
  isCovered(client: ProcessId): boolean {
    return this.#running.get(clientKey(client))?.cover !== undefined
  }

  /** Resolves with whether the lock screen stands. */
  async cover(client: ProcessId, cover: Cover): Promise<boolean> {
    const supervisor = this.#running.get(clientKey(client))
    if (supervisor === undefined) return false
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const late = setTimeout(() => resolve(false), coverWithinMs)
    supervisor.covered(false)
    supervisor.covered = resolve
    supervisor.cover = cover
    supervisor.wake()
    return promise.finally(() => clearTimeout(late))
  }

  /** @returns the person's terminal */
  uncover(client: ProcessId): TerminalId | undefined {
    const supervisor = this.#running.get(clientKey(client))
    if (supervisor === undefined) return undefined
    supervisor.cover = undefined
    supervisor.warning = undefined
    supervisor.wake()
    return supervisor.outer
  }

  /** @throws GuardError `client-unknown` */
  report(pid: number, { typed, hungUp, keys, output, covered }: RequestOf<'supervisor.report'>): void {
    const supervisor = this.#of(pid)
    supervisor.keys = keys
    supervisor.output = output
    if (typed) {
      supervisor.typedMs = this.#deps.clock.now().wallMs
      const seen = this.#seenAt(supervisor.outer)
      if (seen !== undefined) seen.typedMs = supervisor.typedMs
    }
    if (covered) supervisor.covered(true)
    if (!hungUp) return
    const details = { pid: supervisor.id.pid, command: supervisor.client.command }
    this.#deps.journal.record({ event: 'hung-up', policy: supervisor.guarded.policy, details })
  }

  /** These clients are about to be ended; those that are supervised are told, so that they can say so. */
  tellEnd(clients: readonly Client[], ending: (client: Client) => Ending): void {
    for (const client of clients) {
      const supervisor = this.#running.get(clientKey(client.id))
      if (supervisor !== undefined) end(supervisor, ending(client))
    }
  }

  /** What went through the supervisor of this client, if it has one. */
  of(client: ProcessId): Pick<Supervisor, 'typedMs' | 'keys' | 'output'> | undefined {
    return this.#running.get(clientKey(client))
  }

  /** Who supervises the terminal that this process has. */
  around({ ttyDevice }: ProcessFacts): ProcessId | undefined {
    return [...this.#running.values()].find(({ device }) => device === ttyDevice)?.id
  }

  /** The same terminals, but that of those supervised the supervisors tell. */
  over(terminals: Terminals): Terminals {
    return {
      // Keys reach the inner one through the outer.
      ofProcess: (facts) => (this.around(facts) === undefined ? terminals.ofProcess(facts) : undefined),
      inputTimeMs: (terminal, now) => this.#inputTimeMs(terminal, now, terminals.inputTimeMs(terminal, now)),
    }
  }

  #inputTimeMs(terminal: TerminalId, now: Instant, readMs: number | undefined): number | undefined {
    const seen = this.#seen.get(terminalKey(terminal))
    if (seen === undefined) return readMs
    if (this.#isRead(terminal)) seen.untilMs = now.wallMs
    const believed = readMs !== undefined && readMs > seen.untilMs ? [readMs] : []
    const times = seen.typedMs === undefined ? believed : [...believed, seen.typedMs]
    return times.length === 0 ? undefined : Math.max(...times)
  }

  /** Is a supervisor in the foreground there, and not stopped? */
  #isRead(terminal: TerminalId): boolean {
    const key = terminalKey(terminal)
    return [...this.#running.values()].some(({ id, outer }) => {
      if (outer === undefined || terminalKey(outer) !== key) return false
      const facts = this.#deps.processes.inspect(id.pid)
      return facts?.startTicks === id.startTicks && facts.state !== 'T' && facts.pgrp === facts.foregroundPgrp
    })
  }

  #named(pid: number): { facts: ProcessFacts; client: Client; guarded: GuardedSession } {
    const { processes } = this.#deps
    const facts = processes.inspect(pid)
    const isOurs = facts !== undefined && processes.executable(pid) === this.program
    for (const guarded of isOurs ? this.#deps.table().all() : []) {
      const client = guarded.clients.get(clientKey(facts as ProcessFacts))
      if (client?.supervised !== true) continue
      if (guarded.session.state === 'locked') throw new GuardError('locked', `${guarded.policy} is locked`)
      return { facts: facts as ProcessFacts, client, guarded }
    }
    throw unknown(pid)
  }

  #of(pid: number): Supervisor {
    const facts = this.#deps.processes.inspect(pid)
    const supervisor = facts === undefined ? undefined : this.#running.get(clientKey(facts))
    if (supervisor === undefined) throw unknown(pid)
    return supervisor
  }

  #leave(supervisor: Supervisor): void {
    this.#running.delete(clientKey(supervisor.id))
    const seen = this.#seenAt(supervisor.outer)
    if (seen !== undefined) seen.untilMs = this.#deps.clock.now().wallMs
    end(supervisor, { byPerson: false })
  }

  #seenAt(terminal: TerminalId | undefined): Seen | undefined {
    if (terminal === undefined) return undefined
    const key = terminalKey(terminal)
    const seen = this.#seen.get(key) ?? { untilMs: 0, typedMs: undefined }
    this.#seen.set(key, seen)
    const oldest = this.#seen.keys().next().value
    if (this.#seen.size > mostTerminals && oldest !== undefined) this.#seen.delete(oldest)
    return seen
  }
}

function end(supervisor: Supervisor, ending: Ending): void {
  supervisor.ending ??= ending
  supervisor.covered(false)
  supervisor.wake()
}

const terminalKey = ({ device, birthNs }: TerminalId): string => `${device}:${birthNs}`

const unknown = (pid: number): GuardError => new GuardError('client-unknown', `${pid} supervises nothing`)
