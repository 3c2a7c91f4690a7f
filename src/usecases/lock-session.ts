import type { LockReason } from '../domain/event.ts'
import { fateOf } from '../domain/ending.ts'
import type { Hold } from '../domain/hold.ts'
import type { LockReport } from '../protocol/reports.ts'
import { rootOf } from './ended-clients.ts'
import { lockedSince } from './explain-lock.ts'
import { clientKey, endsHolders, leaderOf } from './guarded-session.ts'
import type { Client, GuardedSession } from './guarded-session.ts'
import { heldProcesses, holdOf } from './held-processes.ts'
import type { Journal, Keeper, Log, ProcessTable, Reaper } from './ports.ts'
import type { SessionTable } from './session-table.ts'
import type { Supervisors } from './supervisors.ts'
import type { SuspendedStreams } from './suspended-streams.ts'
import type { SweepSessions } from './sweep-sessions.ts'

interface Deps {
  readonly journal: Journal
  readonly log: Log
  readonly processes: ProcessTable
  readonly reaper: Reaper
  readonly table: () => SessionTable
  readonly sweep: Pick<SweepSessions, 'afterLock'>
  readonly supervisors: Pick<Supervisors, 'tellEnd'>
  readonly suspended: Pick<SuspendedStreams, 'cover' | 'endLate'>
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
    const holds = heldProcesses(guarded)
    // Before anything that could go wrong.
    const revoked = revoke(guarded, holds)
    const locked = this.#toEnd(guarded)
    // A holder that is left to expire stays in sight: status says until when its credential is good.
    for (const { id } of locked) guarded.clients.delete(clientKey(id))
    const { ended: clients, late } = this.#deps.suspended.cover(guarded, reason, locked)
    guarded.terminals.clear()
    const traces = [...guarded.traces]
    const isFirst = guarded.onLockDue
    guarded.onLockDue = false
    this.#deps.supervisors.tellEnd(clients, ({ command }) => endedByLock(guarded, command))
    const steps = await Promise.allSettled([
      revoked,
      this.#endClients(guarded, clients, holds),
      late.then((streams) => this.#deps.suspended.endLate(guarded, streams)),
    ])
    const failures = steps.flatMap((step) => (step.status === 'rejected' ? [messageOf(step.reason)] : []))
    guarded.lockFailures = []
    this.#record(guarded, reason, { wasUnlocked, clients: clients.length, held: holds.length, failures })
    const unswept = await this.#deps.sweep.afterLock(guarded, {
      wasOpen: wasUnlocked,
      isFirst,
      reason,
      traces,
    })
    this.#noteFailures(guarded, unswept)
    return {
      policy: guarded.policy,
      wasUnlocked,
      endedLive: clients.filter((client) => client.kind === 'live').length,
      endedHolders: clients.filter(({ kind, within }) => kind === 'holder' && within === undefined).length,
      failures: [...failures, ...unswept],
    }
  }

  #toEnd(guarded: GuardedSession): Client[] {
    const endsAll = endsHolders(this.#deps.table(), guarded)
    return [...guarded.clients.values()].filter(
      (client) =>
        fateOf(client, endsAll) === 'ended' &&
        this.#deps.processes.isAlive(client.id) &&
        (guarded.session.state !== 'held' || holdOf(this.#deps, guarded, client) === undefined),
    )
  }

  #endClients({ name }: GuardedSession, clients: readonly Client[], holds: readonly Hold[]): Promise<void> {
    const spared = holds.map(({ process }) => process)
    return this.#deps.reaper.end(name, clients.map(rootOf), spared)
  }

  #record(
    guarded: GuardedSession,
    reason: LockReason,
    facts: { wasUnlocked: boolean; clients: number; held: number; failures: readonly string[] },
  ): void {
    const { journal, log } = this.#deps
    const { wasUnlocked, clients: ended, held } = facts
    const details = { reason, ended, wasUnlocked, held, ...leaderOf(guarded) }
    const event = facts.held > 0 ? 'held' : 'locked'
    const entry = { event, policy: guarded.policy, details } as const
    // Where there is no room now, it waits in memory until there is.
    const kept = journal.recordDurably(entry) || journal.record(entry)
    if (!kept) log.error('a lock could not be written to the journal', { policy: guarded.policy })
    this.#noteFailures(guarded, facts.failures)
  }

  #noteFailures(guarded: GuardedSession, failures: readonly string[]): void {
    const { journal, log } = this.#deps
    guarded.lockFailures = [...guarded.lockFailures, ...failures]
    for (const failure of failures) {
      log.error('a step of a lock failed', { policy: guarded.policy, failure })
      journal.record({ event: 'lock-incomplete', policy: guarded.policy, details: { failure } })
    }
  }
}

/** As a person reads it: without the name of its class. */
const messageOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason))

/** For the terminal of a session that is ended. */
function endedByLock(guarded: GuardedSession, command: string): { byPerson: false; message: string } {
  const what = `kubeguard: ${lockedSince(guarded)}, and ${command} was ended`
  return { byPerson: false, message: `${what}\nrun: kubeguard unlock ${guarded.policy}` }
}

/** A keeper that does not say in this time that it is narrower is ended. */
const narrowedWithinMs = 2_000

/** Ends every keeper but one that is told to serve the held alone; that one too where it does not obey. */
async function revoke(guarded: GuardedSession, holds: readonly Hold[]): Promise<void> {
  const kept = holds.length > 0 ? guarded.keeper : undefined
  const ended = kept === undefined && guarded.keeper !== undefined ? [guarded.keeper] : []
  guarded.keeper = kept
  // Whoever is being asked while it is held is asked after this lock.
  if (guarded.session.state !== 'held' || !guarded.session.unlocking) {
    ended.push(...guarded.attempts)
    guarded.attempts.clear()
  }
  const narrowed = kept === undefined ? undefined : narrow(kept, holds)
  await Promise.all([...ended.map((keeper) => keeper.end()), narrowed])
}

async function narrow(keeper: Keeper, holds: readonly Hold[]): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error('the keeper did not narrow in time')),
    narrowedWithinMs,
  )
  try {
    await Promise.race([keeper.narrow(holds), late.promise])
  } catch (error) {
    await keeper.end()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** What came of several locks of one policy. */
export function join(first: LockReport, second: LockReport): LockReport {
  return {
    policy: first.policy,
    wasUnlocked: first.wasUnlocked || second.wasUnlocked,
    endedLive: first.endedLive + second.endedLive,
    endedHolders: first.endedHolders + second.endedHolders,
    failures: [...first.failures, ...second.failures],
  }
}
