import { formatDuration } from '../domain/duration.ts'
import type { LockReason } from '../domain/event.ts'
import { elapsedMs } from '../domain/instant.ts'
import type { Instant } from '../domain/instant.ts'
import { clockTime, lockedSince } from './explain-lock.ts'
import { rootOf } from './ended-clients.ts'
import { clientKey, rememberTerminal } from './guarded-session.ts'
import type { Client, GuardedSession, Suspension } from './guarded-session.ts'
import type { Clock, Journal, Log, ProcessTable, Reaper, TreeRoot, WatchedSession } from './ports.ts'
import type { SessionTable } from './session-table.ts'
import type { Supervisors } from './supervisors.ts'
import { dropDead } from './track-client.ts'

interface Deps {
  readonly clock: Clock
  readonly journal: Journal
  readonly log: Log
  readonly processes: ProcessTable
  readonly reaper: Reaper
  readonly supervisors: Supervisors
  readonly table: () => SessionTable
}

/** After these nobody is to come back to what was there. */
const endingReasons: ReadonlySet<LockReason> = new Set(['daemon-stopped', 'logout', 'misuse'])

/** Milliseconds until suspended streams are ended: what was said at the lock, or less if the rules say so by now. */
export function suspensionLeftMs(
  rules: { readonly live: 'kill' | 'suspend'; readonly suspendForMs: number },
  { since, forMs }: Suspension,
  now: Instant,
): number {
  const allowedMs = rules.live === 'suspend' ? Math.min(forMs, rules.suspendForMs) : 0
  return allowedMs - elapsedMs(since, now)
}

/** What the reaper knows them by: their time is their own, and not the session's. */
const groupOf = ({ name }: GuardedSession): string => `${name} suspended`

/**
 * Streams that a lock covers instead of ending them (`live: suspend`). They hold no session open: keeper and credentials
 * go as ever, and only the processes live on, until an unlock uncovers them or their time is over.
 */
export class SuspendedStreams {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Takes out of a lock's clients those that are to be covered, and tells their supervisors. It must have begun before
   * anything is ended.
   * @returns those that are left to be ended, and what resolves with those that did not get covered in time.
   */
  cover(
    guarded: GuardedSession,
    reason: LockReason,
    clients: readonly Client[],
  ): { ended: readonly Client[]; late: Promise<readonly Client[]> } {
    const rules = this.#deps.table().rules(guarded.policy)
    if (rules.live !== 'suspend' || endingReasons.has(reason)) return this.#none(guarded, clients)
    const streams = clients.filter(({ id }) => this.#deps.supervisors.maySuspend(id))
    const keys = new Set(streams.map(({ id }) => clientKey(id)))
    const suspended = clients.filter(
      ({ id, within }) => keys.has(clientKey(id)) || (within !== undefined && keys.has(clientKey(within))),
    )
    if (suspended.length === 0) return { ended: clients, late: Promise.resolve([]) }
    const since = this.#deps.clock.now()
    guarded.suspended ??= { since, forMs: rules.suspendForMs, clients: new Map() }
    for (const client of suspended) {
      guarded.suspended.clients.set(clientKey(client.id), client)
      this.#deps.reaper.watch(suspendedRoot(client), groupOf(guarded))
    }
    const late = Promise.all(streams.map((stream) => this.#coverOne(guarded, stream)))
    return {
      ended: clients.filter((client) => !suspended.includes(client)),
      late: late.then((covered) => streams.filter((_, index) => covered[index] === false)),
    }
  }

  /** The session is open again: they are of this session from now on. */
  uncover(guarded: GuardedSession): void {
    const { processes, reaper, supervisors } = this.#deps
    this.endOverdue(guarded)
    const { suspended } = guarded
    guarded.suspended = undefined
    for (const [key, client] of suspended?.clients ?? []) {
      if (!processes.isAlive(client.id)) continue
      guarded.clients.set(key, client)
      reaper.watch(rootOf(client), guarded.name)
      if (client.supervised !== true) continue
      rememberTerminal(guarded, supervisors.uncover(client.id))
      this.#record(guarded, 'resumed', client)
    }
  }

  /** Ends those whose time is over, or whom the rules allow no more. */
  endOverdue(guarded: GuardedSession): void {
    const { clock, processes } = this.#deps
    const { suspended } = guarded
    if (suspended === undefined) return
    dropDead(processes, suspended.clients)
    if (suspended.clients.size === 0) {
      guarded.suspended = undefined
      return
    }
    const rules = this.#deps.table().rules(guarded.policy)
    if (suspensionLeftMs(rules, suspended, clock.now()) <= 0) void this.#end(guarded)
  }

  /** Ends these: they could not be covered. @throws Error naming the pids that could not be ended */
  async endLate(guarded: GuardedSession, late: readonly Client[]): Promise<void> {
    const keys = new Set(late.map(({ id }) => clientKey(id)))
    const left = [...(guarded.suspended?.clients.values() ?? [])]
    const ending = left.filter(
      ({ id, within }) => keys.has(clientKey(id)) || (within !== undefined && keys.has(clientKey(within))),
    )
    if (ending.length > 0) await this.#endThese(guarded, ending, 'could not be covered')
  }

  /** For the reaper, which ends them by their own time where the daemon hangs. */
  watched(guarded: GuardedSession): WatchedSession | undefined {
    const { suspended } = guarded
    if (suspended === undefined) return undefined
    const now = this.#deps.clock.now()
    const leftMs = Math.max(0, suspensionLeftMs(this.#deps.table().rules(guarded.policy), suspended, now))
    return {
      name: groupOf(guarded),
      deadlineBootMs: now.bootMs + leftMs,
      lifetimeWallMs: now.wallMs + leftMs,
      roots: [...suspended.clients.values()].map(suspendedRoot),
    }
  }

  #none(guarded: GuardedSession, clients: readonly Client[]) {
    return { ended: clients, late: this.#end(guarded).then(() => []) }
  }

  async #coverOne(guarded: GuardedSession, stream: Client): Promise<boolean> {
    const covered = await this.#deps.supervisors.cover(stream.id, {
      policy: guarded.policy,
      lines: lockScreen(guarded, stream),
    })
    if (covered) this.#record(guarded, 'suspended', stream)
    return covered
  }

  async #end(guarded: GuardedSession): Promise<void> {
    const { suspended } = guarded
    if (suspended === undefined) return
    const after = this.#endedHow(guarded, suspended)
    await this.#endThese(guarded, [...suspended.clients.values()], after).catch((error: unknown) => {
      this.#deps.log.error('suspended streams could not be ended', {
        policy: guarded.policy,
        error: String(error),
      })
      guarded.lockFailures = [...guarded.lockFailures, String(error)]
    })
  }

  #endedHow({ policy }: GuardedSession, { since, forMs }: Suspension): string {
    const allowedMs = Math.min(forMs, this.#deps.table().rules(policy).suspendForMs)
    const isOver = elapsedMs(since, this.#deps.clock.now()) >= allowedMs
    return isOver ? `was ended after ${formatDuration(allowedMs)} behind the lock screen` : 'was ended'
  }

  async #endThese(guarded: GuardedSession, ending: readonly Client[], why: string): Promise<void> {
    const { suspended } = guarded
    for (const { id } of ending) suspended?.clients.delete(clientKey(id))
    const spared = [...(suspended?.clients.values() ?? [])].map(({ id }) => id)
    if (spared.length === 0) guarded.suspended = undefined
    this.#deps.supervisors.tellEnd(ending, ({ command }) => ({
      byPerson: false,
      message: `kubeguard: ${lockedSince(guarded)}, and ${command} ${why}\nrun: kubeguard unlock ${guarded.policy}`,
    }))
    for (const client of ending) if (client.supervised === true) this.#record(guarded, 'client-ended', client)
    await this.#deps.reaper.end(groupOf(guarded), ending.map(suspendedRoot), spared)
  }

  #record(
    { policy }: GuardedSession,
    event: 'suspended' | 'resumed' | 'client-ended',
    { id, program, command }: Client,
  ): void {
    this.#deps.journal.record({ event, policy, details: { pid: id.pid, program, command } })
  }
}

const suspendedRoot = (client: Client): TreeRoot => ({
  ...rootOf(client),
  covers: client.supervised === true,
})

/** What a person reads who comes back: which policy, since when, why, what of the program, and how to go on. */
function lockScreen(guarded: GuardedSession, { command }: Client): string {
  const { policy, suspended, terminal } = guarded
  const elsewhere = terminal === undefined ? `, or run elsewhere: kubeguard unlock ${policy}` : ''
  const until = suspended === undefined ? '' : ` until ${clockTime(suspended.since.wallMs + suspended.forMs)}`
  return [
    '',
    `kubeguard: ${lockedSince(guarded)}`,
    `${command} goes on unseen${until}; then it is ended`,
    '',
    `press Enter to unlock${elsewhere}`,
  ].join('\n')
}
