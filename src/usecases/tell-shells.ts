import { GuardError } from '../domain/errors.ts'
import { policyForContext } from '../domain/policy.ts'
import { timeLeft } from '../domain/session.ts'
import { formatShellStatus } from '../domain/shell-status.ts'
import type { ShellNotice, ShellSession, ShellStatus } from '../domain/shell-status.ts'
import { clockTimeToSecond, lockedSince } from './explain-lock.ts'
import { clientKey } from './guarded-session.ts'
import type { GuardedSession } from './guarded-session.ts'
import type {
  Clock,
  Notification,
  PolicySource,
  ProcessId,
  ProcessTable,
  StatusFile,
  VaultCatalogue,
} from './ports.ts'
import type { SessionTable } from './session-table.ts'

interface Deps {
  readonly clock: Clock
  readonly policies: PolicySource
  readonly vaults: Pick<VaultCatalogue, 'policies' | 'credentials' | 'contexts'>
  readonly statusFile: StatusFile
  readonly table: () => SessionTable
  readonly processes: Pick<ProcessTable, 'inspect'>
  readonly self: ProcessId
  /** For the terminals of streams, whose shells can't say it, and for the desktop. */
  readonly warned: (guarded: GuardedSession, text: string, notification: Notification) => void
  /** A warning is past: somebody typed, or it is locked. */
  readonly withdrawn: (guarded: GuardedSession) => void
}

/** A shell that sits at no prompt for longer misses what happened first. */
const mostNotices = 16

/** Connections that shells may hold: the rest of `limits.connections` stays for their commands. */
const mostWatchers = 256

/**
 * Keeps the status file, which shells read with what they have built in, and wakes the shells that wait for
 * news. Never throws, never waits: a lock does not depend on anybody hearing of it.
 */
export class TellShells {
  readonly #deps: Deps
  readonly #warned = new Map<string, number>()
  readonly #watchers = new Map<() => void, number>()
  readonly #heard = new WeakMap<AbortSignal, number>()
  #notices: ShellNotice[] = []
  #number = 0
  /** Raised by what a shell at its prompt shall see at once: a notice, a lock, an unlock. */
  #news = 1
  #told = ''

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Something about the sessions or the rules may have changed. */
  changed(): void {
    this.#deps.statusFile.post(
      () => formatShellStatus(this.#status()),
      () => this.#wake(),
    )
  }

  /** Something that whoever sits at a shell should know: one line, clean of what a terminal obeys. */
  tell(text: string): void {
    this.#say(text, { unset: [], terminal: undefined })
  }

  /** An open session was locked. What was said of it before is past. */
  locked(guarded: GuardedSession): void {
    this.#withdraw(guarded)
    const { policy } = guarded
    const { env } = this.#deps.table().rules(policy)
    const text = `${lockedSince(guarded)}; to go on: kubeguard unlock ${policy}`
    // A held session that serves less and less was locked once.
    if (guarded.session.state !== 'held' || !this.#hasSaid(text, shellTerminal(guarded)))
      this.#say(text, { unset: env, terminal: shellTerminal(guarded) })
  }

  /**
   * Warns of the lock that comes, once; a person who is seen meanwhile takes the warning back.
   * @returns when to look again, in ms from now; undefined when there is nothing to wait for.
   */
  warn(guarded: GuardedSession): number | undefined {
    const left = this.#untilWarning(guarded)
    if (left === undefined) return undefined
    if (left > 0) {
      this.#withdraw(guarded)
      return left
    }
    if (!this.#warned.has(guarded.name)) this.#sayWarning(guarded)
    return undefined
  }

  /**
   * Resolves when there is news that this connection has not been told of, or it is gone.
   * @throws GuardError `usage` where too many shells wait already.
   */
  async news(gone: AbortSignal, pid: number): Promise<void> {
    this.#dropStale(pid)
    if (this.#watchers.size >= mostWatchers)
      throw new GuardError('usage', 'too many shells wait for news', { cure: 'close some of them' })
    if (this.#heard.get(gone) === this.#news) await this.#nextNews(gone, pid)
    this.#heard.set(gone, this.#news)
  }

  /**
   * A shell's children have its connection, too, and one of them may live on when the shell is gone. Nor does a
   * shell that executes another one (`exec zsh`) wait on two.
   */
  #dropStale(asking: number): void {
    for (const [wake, pid] of this.#watchers) {
      if (pid === asking || this.#deps.processes.inspect(pid) === undefined) wake()
    }
  }

  #nextNews(gone: AbortSignal, pid: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#watchers.delete(wake)
        gone.removeEventListener('abort', wake)
        resolve()
      }
      this.#watchers.set(wake, pid)
      if (gone.aborted) wake()
      else gone.addEventListener('abort', wake)
    })
  }

  #sayWarning(guarded: GuardedSession): void {
    const { session, policy } = guarded
    if (session.state !== 'unlocked') return
    const left = timeLeft(session, this.#deps.clock.now())
    const inSeconds = Math.max(1, Math.round(Math.min(left.idleMs, left.lifetimeMs) / 1000))
    const isByAge = left.lifetimeMs <= left.idleMs
    const because = isByAge ? `(maximum age); then: kubeguard unlock ${policy}` : 'unless you type'
    const summary = `${policy} locks in ${inSeconds} s`
    const text = `${summary} ${because}`
    this.#say(text, { unset: [], terminal: shellTerminal(guarded) })
    const body = isByAge
      ? `Its maximum age is reached. To go on then: kubeguard unlock ${policy}`
      : 'Type in one of its terminals to keep it open.'
    const atMs = this.#deps.clock.now().wallMs + Math.min(left.idleMs, left.lifetimeMs)
    // This one stays for as long as it takes.
    this.#deps.warned(guarded, `kubeguard: ${policy} locks at ${clockTimeToSecond(atMs)} ${because}`, {
      summary,
      body,
      urgency: 'normal',
    })
    this.#warned.set(guarded.name, this.#number)
  }

  /** Milliseconds until a session's warning is due; undefined where it is locked or is given none. */
  #untilWarning({ policy, session }: GuardedSession): number | undefined {
    if (session.state !== 'unlocked') return undefined
    const warnMs = this.#warnMs(policy, session.limits)
    if (warnMs <= 0) return undefined
    const left = timeLeft(session, this.#deps.clock.now())
    return Math.min(left.idleMs, left.lifetimeMs) - warnMs
  }

  /** A session that was shortened (`--for`, a tightened policy) is not warned of from its first moment. */
  #warnMs(policy: string, { idleMs, lifetimeMs }: { idleMs: number; lifetimeMs: number }): number {
    return Math.min(this.#deps.table().rules(policy).warnMs, Math.floor(Math.min(idleMs, lifetimeMs) / 2))
  }

  #say(text: string, told: Pick<ShellNotice, 'unset' | 'terminal'>): void {
    this.#number += 1
    const notice = { number: this.#number, text: `kubeguard: ${text}`, ...told }
    this.#notices = [...this.#notices, notice].slice(-mostNotices)
    this.changed()
  }

  #hasSaid(text: string, terminal: string | undefined): boolean {
    return this.#notices.some(
      (notice) => notice.text === `kubeguard: ${text}` && notice.terminal === terminal,
    )
  }

  #withdraw(guarded: GuardedSession): void {
    const number = this.#warned.get(guarded.name)
    if (number === undefined) return
    this.#warned.delete(guarded.name)
    this.#deps.withdrawn(guarded)
    this.#notices = this.#notices.filter((notice) => notice.number !== number)
    this.changed()
  }

  /** After the file was written: whoever is woken reads it. A deadline that moved is no news. */
  #wake(): void {
    const states = this.#deps
      .table()
      .all()
      .map(({ name, session }) => `${name} ${session.state}`)
    const told = [this.#number, ...states].join()
    if (told === this.#told) return
    this.#told = told
    this.#news += 1
    for (const wake of this.#watchers.keys()) wake()
  }

  #status(): ShellStatus {
    const { policies, vaults, self } = this.#deps
    const rules = policies.current()
    const adopted = vaults.policies().flatMap((policy) =>
      vaults
        .credentials(policy)
        .flatMap((credential) => vaults.contexts(policy, credential))
        .filter((context) => policyForContext(rules, context).name !== policy)
        .map((context) => ({ policy, context })),
    )
    return {
      daemon: self,
      sessions: this.#deps
        .table()
        .all()
        .filter(({ session, terminal }) => terminal === undefined || session.state === 'unlocked')
        .map((guarded) => this.#session(guarded)),
      notices: this.#notices,
      globs: rules.flatMap(({ name, contexts }) => contexts.map((glob) => ({ policy: name, glob }))),
      contexts: adopted,
    }
  }

  #session(guarded: GuardedSession): ShellSession {
    const { policy, session } = guarded
    const { env } = this.#deps.table().rules(policy)
    const terminal = shellTerminal(guarded)
    if (session.state !== 'unlocked') return { policy, terminal, open: undefined, env }
    const left = timeLeft(session, this.#deps.clock.now())
    const endsMs = this.#deps.statusFile.uptimeMs() + Math.min(left.idleMs, left.lifetimeMs)
    return { policy, terminal, open: { endsMs, warnsMs: endsMs - this.#warnMs(policy, session.limits) }, env }
  }
}

/** How a shell knows the terminal that it is at. */
const shellTerminal = ({ terminal }: GuardedSession): string | undefined =>
  terminal === undefined ? undefined : clientKey(terminal.leader)
