import type { LockReason } from '../domain/event.ts'
import { mayEnd } from '../domain/ending.ts'
import type { LockReport } from '../protocol/reports.ts'
import { clientKey } from './guarded-session.ts'
import type { Client, GuardedSession } from './guarded-session.ts'
import type { Journal, Log, ProcessTable } from './ports.ts'
import type { SessionTable } from './session-table.ts'

interface Deps {
  readonly journal: Journal
  readonly log: Log
  readonly processes: ProcessTable
  readonly table: () => SessionTable
  /** Pids that are never ended: the daemon itself. */
  readonly selfPid: number
}

/**
 * Ends sessions: revoke first, talk later. The state is locked already when this is called. A step
 * that fails never stops the next; it is journalled and shown.
 */
export class LockSession {
  readonly #deps: Deps
  readonly #running = new Map<GuardedSession, Promise<LockReport>>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Begins the steps of a lock; called by the session table for every transition to locked. */
  begin(guarded: GuardedSession, reason: LockReason): void {
    const before = this.#running.get(guarded)
    const now = this.#end(guarded, reason)
    const both =
      before === undefined ? now : Promise.all([before, now]).then(([first, second]) => join(first, second))
    this.#running.set(guarded, both)
    both
      .finally(() => {
        if (this.#running.get(guarded) === both) this.#running.delete(guarded)
      })
      .catch((error: unknown) => {
        this.#deps.log.error('a lock failed', { policy: guarded.policy, error: String(error) })
      })
  }

  /** Locks and resolves when the wall stands: keeper gone, clients ended. */
  async lock(guarded: GuardedSession, reason: LockReason): Promise<LockReport> {
    this.#deps.table().advance(guarded, { type: 'lock', reason })
    return this.settled(guarded)
  }

  /** Resolves when no lock of this session is under way. */
  async settled(guarded: GuardedSession): Promise<LockReport> {
    const running = this.#running.get(guarded)
    return (
      running ?? { policy: guarded.policy, wasUnlocked: false, endedLive: 0, endedHolders: 0, failures: [] }
    )
  }

  async #end(guarded: GuardedSession, reason: LockReason): Promise<LockReport> {
    const wasUnlocked = guarded.keeper !== undefined
    const keepers = [guarded.keeper, ...guarded.attempts].filter((keeper) => keeper !== undefined)
    guarded.keeper = undefined
    guarded.attempts.clear()
    // Before anything that could go wrong.
    const revoked = Promise.all(keepers.map((keeper) => keeper.end()))
    const clients = this.#toEnd(guarded)
    // A holder that is left to expire stays in sight: status says until when its credential is good.
    for (const { id } of clients) guarded.clients.delete(clientKey(id))
    guarded.terminals.clear()
    const steps = await Promise.allSettled([revoked, this.#endClients(clients)])
    const failures = steps.flatMap((step) => (step.status === 'rejected' ? [String(step.reason)] : []))
    guarded.lockFailures = failures
    this.#record(guarded, reason, { wasUnlocked, clients: clients.length, failures })
    return {
      policy: guarded.policy,
      wasUnlocked,
      endedLive: clients.filter((client) => client.kind === 'live').length,
      endedHolders: clients.filter((client) => client.kind === 'holder').length,
      failures,
    }
  }

  #toEnd(guarded: GuardedSession): Client[] {
    const endsHolders = guarded.endsHolders || this.#deps.table().rules(guarded.policy).holders === 'end'
    return [...guarded.clients.values()].filter(
      (client) =>
        (client.kind === 'live' || client.hasTerminal || endsHolders) &&
        this.#deps.processes.isAlive(client.id),
    )
  }

  async #endClients(clients: readonly Client[]): Promise<void> {
    if (clients.length === 0) return
    // A holder's children are their own masters, unless they are holders or live themselves.
    const roots = clients.map(({ id, graceMs, kind }) => ({ id, graceMs, alone: kind === 'holder' }))
    await this.#deps.processes.endTrees(roots, (facts) => facts.pid === this.#deps.selfPid || !mayEnd(facts))
  }

  #record(
    guarded: GuardedSession,
    reason: LockReason,
    facts: { wasUnlocked: boolean; clients: number; failures: readonly string[] },
  ): void {
    const { journal, log } = this.#deps
    const details = { reason, ended: facts.clients, wasUnlocked: facts.wasUnlocked }
    const entry = { event: 'locked', policy: guarded.policy, details } as const
    // Where there is no room now, it waits in memory until there is.
    const kept = journal.recordDurably(entry) || journal.record(entry)
    if (!kept) log.error('a lock could not be written to the journal', { policy: guarded.policy })
    for (const failure of facts.failures) {
      log.error('a step of a lock failed', { policy: guarded.policy, failure })
      journal.record({ event: 'lock-incomplete', policy: guarded.policy, details: { failure } })
    }
  }
}

function join(first: LockReport, second: LockReport): LockReport {
  return {
    policy: first.policy,
    wasUnlocked: first.wasUnlocked || second.wasUnlocked,
    endedLive: first.endedLive + second.endedLive,
    endedHolders: first.endedHolders + second.endedHolders,
    failures: [...first.failures, ...second.failures],
  }
}
