import { formatDuration } from '../domain/duration.ts'
import { plainText } from '../domain/plain-text.ts'
import { freeTries, strictestLockOut } from '../domain/unlock-delay.ts'
import type { ChainReport, MisuseSign } from '../protocol/reports.ts'
import { unlockWait } from './failed-unlocks.ts'
import type {
  Clock,
  CommandResult,
  FailedUnlocks,
  Journal,
  Log,
  Notifications,
  PolicyCommands,
  PolicySource,
  Syslog,
} from './ports.ts'
import { commandDetails } from './run-lock-commands.ts'
import type { SessionTable } from './session-table.ts'

interface Deps {
  readonly clock: Clock
  readonly journal: Journal
  readonly log: Pick<Log, 'error' | 'warn'>
  readonly policies: Pick<PolicySource, 'current'>
  readonly commands: PolicyCommands
  readonly syslog: Syslog
  readonly notifications: Notifications
  readonly table: () => Pick<SessionTable, 'allOf' | 'find'>
}

/** Signs whose commands wait for those of an earlier one; there are few, for each takes a run of failures. */
const mostWaiting = 8
/** Commands for one sign, those of all policies together. */
const mostCommands = 64

const brokenCure =
  'keep a copy of journal.db, and compare its head with the one in the machine’s log: kubeguard log verify'

/**
 * Signs that somebody else is at it: a run of wrong passphrases, a lock-out, a journal whose chain is broken. Each is
 * told once, by every way there is; `status` shows it for as long as it is so.
 */
export class WatchMisuse {
  readonly #deps: Deps
  #broken: MisuseSign | undefined
  #toldBreak: string | undefined
  #checking: Promise<void> | undefined
  #commands: Promise<void> = Promise.resolve()
  #waiting = 0
  #stopped = false

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** A wrong passphrase was counted. `policy` is `*` for work on all vaults. */
  failed(policy: string, failures: FailedUnlocks): void {
    const { count } = failures
    const lockOut = strictestLockOut(this.#deps.policies.current())
    const isNew =
      count === freeTries || (count >= lockOut.after && (count - lockOut.after) % lockOut.after === 0)
    if (!isNew) return
    this.#tell(policy, this.#signOf(failures), { count, on: failures.lastOn, ...this.#lockOf(policy) })
  }

  /** Walks the journal's chain in the background, a part at a time. Of calls that come meanwhile one is enough. */
  checkChain(): Promise<void> {
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined))
    return this.#checking
  }

  /** What is so now. */
  signs(): MisuseSign[] {
    const failures = this.#deps.journal.failures('*')
    const run = failures.count >= freeTries ? [this.#signOf(failures)] : []
    return [...run, ...(this.#broken === undefined ? [] : [this.#broken])]
  }

  /** The daemon ends: waits for what has begun, for `withinMs` at most. What is left is ended by who runs it. */
  async stop(withinMs: number): Promise<void> {
    this.#stopped = true
    const late = setTimeout(() => this.#deps.commands.end(), withinMs)
    await this.#commands
    clearTimeout(late)
  }

  async #check(): Promise<void> {
    try {
      this.chainSeen(await this.#deps.journal.check())
    } catch (error) {
      this.#deps.log.error('the journal could not be checked', { error: String(error) })
    }
  }

  /** Somebody has walked the journal's chain. */
  chainSeen({ intact, brokenAt, problem }: ChainReport): void {
    // A journal that can't be read at all is a problem of the disk, which `status` tells by itself.
    if (intact || brokenAt === undefined) return void (this.#broken = undefined)
    const message = `the journal’s chain is broken at entry ${brokenAt}: ${problem ?? 'unknown'}`
    this.#broken = { sign: 'journal-broken', message, cure: brokenCure }
    if (this.#toldBreak === message) return
    this.#toldBreak = message
    this.#tell(undefined, this.#broken, { at: brokenAt, problem: problem ?? 'unknown' })
  }

  #signOf(failures: FailedUnlocks): MisuseSign {
    const { leftMs, lockedOut: locked } = unlockWait(this.#deps)
    const { count, sinceWallMs, lastWallMs, lastOn } = failures
    const wait = locked && leftMs > 0 ? `; nothing is asked for ${formatDuration(leftMs)}` : ''
    return {
      sign: locked ? 'locked-out' : 'failed-unlocks',
      message: `${count} wrong passphrases in a row, the last on ${lastOn}${wait}`,
      cure: 'was it not you? see who: kubeguard log --event unlock-failed',
      sinceMs: sinceWallMs,
      lastMs: lastWallMs,
      ...(locked && leftMs > 0 ? { untilMs: this.#deps.clock.now().wallMs + leftMs } : {}),
    }
  }

  /** Was it left locked by a limit, or by a person? */
  #lockOf(policy: string): { lockReason?: string } {
    const table = this.#deps.table()
    const sessions = table.find(policy) === undefined ? [] : table.allOf(policy)
    const [last] = sessions
      .flatMap(({ session }) =>
        session.state === 'locked' && session.lock !== undefined ? [session.lock] : [],
      )
      .toSorted((one, other) => other.at.bootMs - one.at.bootMs)
    return last === undefined ? {} : { lockReason: last.reason }
  }

  #tell(policy: string | undefined, sign: MisuseSign, facts: Record<string, string | number>): void {
    const { journal, syslog, log, notifications, policies } = this.#deps
    const named = policy === undefined || policy === '*' ? {} : { policy }
    journal.recordDurably({ event: 'misuse', ...named, details: { sign: sign.sign, ...facts } })
    // The head stands in a log that this account can't rewrite: a chain made anew does not have it.
    const words = Object.entries({ ...named, ...facts }).map(
      // A process names itself: what it is called must not look like another fact.
      ([name, value]) => `${name}="${plainText(String(value), 80).replaceAll('"', "'")}"`,
    )
    const head = journal.head() ?? 'unknown'
    if (!syslog.warn(`misuse ${sign.sign} ${words.join(' ')} journal-head=${head}`))
      log.warn('the machine’s log could not be told of misuse', { sign: sign.sign })
    const { message, cure } = sign
    // It is nobody's policy alone: where one wants notifications they are shown.
    if (policies.current().some(({ notify }) => notify === 'auto'))
      notifications.notify({
        summary: 'kubeguard: misuse',
        body: plainText(`${message}; ${cure}`, 400),
        urgency: 'critical',
      })
    this.#runCommands(sign, policy ?? '')
  }

  #runCommands(sign: MisuseSign, policy: string): void {
    const listed = new Set(this.#deps.policies.current().flatMap(({ onMisuse }) => onMisuse))
    if (listed.size === 0 || this.#waiting >= mostWaiting) return
    this.#waiting += 1
    const commands = [...listed].slice(0, mostCommands)
    this.#commands = this.#runAfter(this.#commands, commands, sign, policy)
  }

  async #runAfter(
    earlier: Promise<void>,
    listed: readonly string[],
    sign: MisuseSign,
    policy: string,
  ): Promise<void> {
    await earlier
    this.#waiting -= 1
    for (const command of listed) await this.#run(command, sign, policy)
  }

  async #run(command: string, { sign, message }: MisuseSign, policy: string): Promise<void> {
    const { commands, journal, log } = this.#deps
    if (this.#stopped) return
    try {
      const result: CommandResult = await commands.run(command, {
        KUBEGUARD_MISUSE: sign,
        KUBEGUARD_POLICY: policy === '*' ? '' : policy,
        KUBEGUARD_MESSAGE: plainText(message, 400),
      })
      journal.record({ event: 'misuse-command', details: commandDetails(command, result) })
    } catch (error) {
      log.error('a command of onMisuse failed', { error: String(error) })
    }
  }
}
