import type { LockReason } from '../domain/event.ts'
import { placesOfWipe } from '../domain/policy-wipe.ts'
import { plainText } from '../domain/plain-text.ts'
import { policyOfTrace } from '../domain/trace-id.ts'
import type { SweepReport } from '../protocol/reports.ts'
import type { CommandReason, RunLockCommands } from './run-lock-commands.ts'
import type { GuardedSession } from './guarded-session.ts'
import type { Journal, Kubeconfigs, Log, Traces } from './ports.ts'
import type { SessionTable } from './session-table.ts'

interface Deps {
  readonly journal: Pick<Journal, 'record'>
  readonly kubeconfigs: Pick<Kubeconfigs, 'sweep' | 'unmaterialise'>
  readonly log: Pick<Log, 'error'>
  readonly traces: Traces
  readonly table: () => SessionTable
  readonly lockCommands: Pick<RunLockCommands, 'begin'>
}

/** One step of one lock. */
interface AfterLock {
  /** It had a keeper. */
  readonly wasOpen: boolean
  /** The first since its unlock: another one follows where jobs are held. */
  readonly isFirst: boolean
  readonly reason: LockReason
  /** Those that it had: a later unlock has others. */
  readonly traces: readonly string[]
}

type Order = Parameters<Kubeconfigs['sweep']>[0]

/** A failure may name a path. */
const mostText = 400

/**
 * Wipes what sessions had on disk, once they are over. The wall stands by then: nothing here delays it, and what
 * fails is told, and tried again at the next lock or start.
 */
export class SweepSessions {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Writes down what this session will have on disk. Called before it opens.
   *
   * @returns under which trace its keeper is to put its credentials into kubeconfigs, where the policy wants that
   * @throws GuardError disk-full, place-unsafe
   */
  begin(guarded: GuardedSession, id: string): { readonly materialise?: string } {
    const { wipe, onLock, materialize } = this.#deps.table().rules(guarded.policy)
    if (wipe.length + onLock.length === 0 && !materialize) return {}
    this.#deps.traces.begin(id, { places: placesOfWipe(wipe), onLock })
    guarded.traces.add(id)
    return materialize ? { materialise: id } : {}
  }

  /** The session did not open after all, and nothing was put on disk: nor are its commands to be run. */
  drop(guarded: GuardedSession, id: string): void {
    if (!guarded.traces.delete(id)) return
    try {
      this.#deps.traces.drop(id)
    } catch (error) {
      this.#deps.log.error('a trace stays', { policy: guarded.policy, error: String(error) })
    }
  }

  /**
   * A step of a lock. Nobody else sweeps these traces before it has, or what they name would be run twice: by whoever
   * closes them, and as what the rules in force name. The policy's `onLock` commands are begun by it, and nobody waits
   * for them.
   *
   * @returns what stays on disk, and why
   */
  async afterLock(guarded: GuardedSession, lock: AfterLock): Promise<readonly string[]> {
    try {
      return await this.#afterLock(guarded, lock)
    } finally {
      for (const id of lock.traces) guarded.traces.delete(id)
    }
  }

  async #afterLock(
    { policy }: GuardedSession,
    { wasOpen, isFirst, reason, traces: own }: AfterLock,
  ): Promise<readonly string[]> {
    const { wipe, onLock } = this.#deps.table().rules(policy)
    const traces = [...own, ...this.#closedTraces().filter((id) => policyOfTrace(id) === policy)]
    const places = wasOpen ? placesOfWipe(wipe) : []
    const due = isFirst ? onLock : []
    if (traces.length + places.length > 0)
      return this.#sweep({ paths: [], places, traces }, policy, reason, due)
    this.#deps.lockCommands.begin(policy, due, reason)
    return []
  }

  /** A policy that does not allow `materialize` any more: what open sessions have put into kubeconfigs goes at once. */
  async withdraw(guarded: GuardedSession): Promise<void> {
    const { policy, traces } = guarded
    if (traces.size === 0 || this.#deps.table().rules(policy).materialize) return
    try {
      const { failures } = await this.#deps.kubeconfigs.unmaterialise({ traces: [...traces] })
      guarded.lockFailures = [...guarded.lockFailures, ...failures.map((text) => plainText(text, mostText))]
    } catch (error) {
      this.#deps.log.error('credentials were not taken out of kubeconfigs', { policy, error: String(error) })
    }
  }

  /** What sessions had that a crash ended: an earlier daemon's. */
  async afterCrash(): Promise<void> {
    const byPolicy = Map.groupBy(this.#closedTraces(), policyOfTrace)
    for (const [policy, traces] of byPolicy)
      await this.#sweep({ paths: [], places: [], traces }, policy, 'crash')
  }

  /** A person's word, or a shell's whose daemon was gone. @throws GuardError what the scribe fails with */
  async byHand(paths: readonly string[]): Promise<SweepReport> {
    const sessions = this.#deps.table().all()
    // What a cache is wiped of is every terminal's: it stays while one is open.
    const open = new Set(
      sessions.flatMap(({ policy, session }) => (session.state === 'locked' ? [] : [policy])),
    )
    const locked = [...new Set(sessions.map(({ policy }) => policy))].filter((policy) => !open.has(policy))
    const places = locked.flatMap((policy) => placesOfWipe(this.#deps.table().rules(policy).wipe))
    const report = await this.#deps.kubeconfigs.sweep({
      paths,
      places: [...new Set(places)],
      traces: this.#closedTraces(),
    })
    this.#record(report)
    for (const [policy, handed] of Map.groupBy(report.commands, (one) => one.policy))
      this.#run(
        policy,
        handed.map(({ command }) => command),
        'crash',
      )
    return report
  }

  /** Traces that no session has, be it open or about to be locked. */
  #closedTraces(): string[] {
    const sessions = this.#deps.table().all()
    const open = new Set(sessions.flatMap(({ traces }) => [...traces]))
    return this.#deps.traces.ids().filter((id) => !open.has(id))
  }

  /** @param due commands of the rules in force, beside those that the traces name */
  async #sweep(
    order: Order,
    policy: string,
    reason: CommandReason,
    due: readonly string[] = [],
  ): Promise<readonly string[]> {
    try {
      const report = await this.#deps.kubeconfigs.sweep(order)
      this.#record(report, policy)
      this.#run(policy, [...report.commands.map(({ command }) => command), ...due], reason)
      return report.failures.map((failure) => plainText(`not wiped: ${failure}`, mostText))
    } catch (error) {
      this.#deps.log.error('a sweep failed', { policy, error: String(error) })
      return [plainText(`nothing was wiped: ${(error as Error).message}`, mostText)]
    }
  }

  #run(policy: string, commands: readonly string[], reason: CommandReason): void {
    this.#deps.lockCommands.begin(policy, [...new Set(commands)], reason)
  }

  #record({ wipedFiles, unmaterialised, failures }: SweepReport, policy?: string): void {
    if (wipedFiles + unmaterialised.length + failures.length === 0) return
    this.#deps.journal.record({
      event: 'swept',
      ...(policy === undefined ? {} : { policy }),
      details: { files: wipedFiles, users: unmaterialised.length, failed: failures.length },
    })
  }
}
