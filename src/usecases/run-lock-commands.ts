import type { LockReason } from '../domain/event.ts'
import { plainText } from '../domain/plain-text.ts'
import type { CommandResult, Journal, JournalDetails, Log, PolicyCommands } from './ports.ts'
import type { SessionTable } from './session-table.ts'

interface Deps {
  readonly journal: Pick<Journal, 'record'>
  readonly log: Pick<Log, 'error'>
  readonly commands: PolicyCommands
  readonly table: () => Pick<SessionTable, 'find'>
}

/** `crash`: they are run by a later daemon than the one that had the session. */
export type CommandReason = LockReason | 'crash'

/** As much of a command, and of what it said, as the journal keeps. */
const mostText = 200

/**
 * Runs what a policy lists under `onLock`, once the wall stands. No lock waits for it. One after the other for
 * each policy, in the order of the list; one that fails stops none.
 */
export class RunLockCommands {
  readonly #deps: Deps
  readonly #running = new Map<string, Promise<void>>()
  #stopped = false

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Returns at once. */
  begin(policy: string, commands: readonly string[], reason: CommandReason): void {
    if (commands.length === 0) return
    const before = this.#running.get(policy) ?? Promise.resolve()
    const all = before.then(() => this.#runAll(policy, commands, reason))
    this.#running.set(policy, all)
    void all.finally(() => {
      if (this.#running.get(policy) === all) this.#running.delete(policy)
    })
  }

  /** The daemon ends: waits for what has begun, for `withinMs` at most, then ends it. */
  async stop(withinMs: number): Promise<void> {
    const late = setTimeout(() => {
      this.#stopped = true
      this.#deps.commands.end()
    }, withinMs)
    await Promise.all(this.#running.values())
    clearTimeout(late)
  }

  async #runAll(policy: string, commands: readonly string[], reason: CommandReason): Promise<void> {
    for (const command of commands) {
      const result = this.#stopped ? notRun : await this.#run(policy, command, reason)
      this.#tell(policy, command, result)
    }
  }

  async #run(policy: string, command: string, reason: CommandReason): Promise<CommandResult> {
    try {
      return await this.#deps.commands.run(command, {
        KUBEGUARD_POLICY: policy,
        KUBEGUARD_REASON: reason,
      })
    } catch (error) {
      this.#deps.log.error('a command of onLock failed', { policy, error: String(error) })
      return { ok: false, outcome: 'the daemon’s log says why', tookMs: 0, output: '' }
    }
  }

  #tell(policy: string, command: string, result: CommandResult): void {
    const { ok, outcome } = result
    const details = commandDetails(command, result)
    const { command: shown, output: said = '' } = details
    this.#deps.journal.record({ event: 'lock-command', policy, details })
    const guarded = this.#deps.table().find(policy)
    if (ok || guarded === undefined) return
    const why = said === '' ? outcome : `${outcome}: ${said}`
    guarded.lockFailures = [...guarded.lockFailures, plainText(`onLock “${shown}”: ${why}`, 2 * mostText)]
  }
}

/** What the journal keeps of a policy's command. */
export function commandDetails(
  command: string,
  { outcome, tookMs, output }: CommandResult,
): JournalDetails & { readonly command: string; readonly output?: string } {
  const said = plainText(output.trim(), mostText)
  const shown = plainText(command, mostText)
  return { command: shown, outcome, tookMs, ...(said === '' ? {} : { output: said }) }
}

const notRun: CommandResult = {
  ok: false,
  outcome: 'not run: the daemon stopped',
  tookMs: 0,
  output: '',
}
