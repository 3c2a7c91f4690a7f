import { placesOfWipe } from '../domain/policy-wipe.ts'
import { plainText } from '../domain/plain-text.ts'
import type { SweepReport } from '../protocol/reports.ts'
import type { GuardedSession } from './guarded-session.ts'
import type { Journal, Kubeconfigs, Log, Traces } from './ports.ts'
import type { SessionTable } from './session-table.ts'

interface Deps {
  readonly journal: Pick<Journal, 'record'>
  readonly kubeconfigs: Pick<Kubeconfigs, 'sweep'>
  readonly log: Pick<Log, 'error'>
  readonly traces: Traces
  readonly table: () => SessionTable
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
   * @throws GuardError disk-full, place-unsafe
   */
  begin(guarded: GuardedSession, id: string): void {
    const { wipe } = this.#deps.table().rules(guarded.policy)
    if (wipe.length === 0) return
    this.#deps.traces.begin(id, placesOfWipe(wipe))
    guarded.traces.add(id)
  }

  /**
   * A step of a lock, after `guarded.traces` was cleared: what a later unlock has begun since is its own.
   *
   * @param wasOpen it had a keeper
   * @returns what stays on disk, and why
   */
  async afterLock({ policy }: GuardedSession, wasOpen: boolean): Promise<readonly string[]> {
    const traces = this.#closedTraces().filter((id) => id.startsWith(`${policy}~`))
    const places = wasOpen ? placesOfWipe(this.#deps.table().rules(policy).wipe) : []
    if (traces.length === 0 && places.length === 0) return []
    return this.#sweep({ paths: [], places, traces }, policy)
  }

  /** What sessions had that a crash ended: an earlier daemon's. */
  async afterCrash(): Promise<void> {
    const byPolicy = Map.groupBy(this.#closedTraces(), (id) => id.split('~')[0] ?? '')
    for (const [policy, traces] of byPolicy) await this.#sweep({ paths: [], places: [], traces }, policy)
  }

  /** A person's word, or a shell's whose daemon was gone. @throws GuardError what the scribe fails with */
  async byHand(paths: readonly string[]): Promise<SweepReport> {
    const locked = this.#deps
      .table()
      .all()
      .filter(({ session }) => session.state === 'locked')
    const places = locked.flatMap(({ policy }) => placesOfWipe(this.#deps.table().rules(policy).wipe))
    const report = await this.#deps.kubeconfigs.sweep({
      paths,
      places: [...new Set(places)],
      traces: this.#closedTraces(),
    })
    this.#record(report)
    return report
  }

  /** Traces that no open session has. */
  #closedTraces(): string[] {
    const sessions = this.#deps.table().all()
    const open = new Set(sessions.flatMap(({ traces }) => [...traces]))
    return this.#deps.traces.ids().filter((id) => !open.has(id))
  }

  async #sweep(order: Order, policy: string): Promise<readonly string[]> {
    try {
      const report = await this.#deps.kubeconfigs.sweep(order)
      this.#record(report, policy)
      return report.failures.map((failure) => plainText(`not wiped: ${failure}`, mostText))
    } catch (error) {
      this.#deps.log.error('a sweep failed', { policy, error: String(error) })
      return [plainText(`token caches were not wiped: ${(error as Error).message}`, mostText)]
    }
  }

  #record({ wipedFiles, failures }: SweepReport, policy?: string): void {
    if (wipedFiles === 0 && failures.length === 0) return
    this.#deps.journal.record({
      event: 'swept',
      ...(policy === undefined ? {} : { policy }),
      details: { files: wipedFiles, failed: failures.length },
    })
  }
}
