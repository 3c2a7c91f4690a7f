import { mayEnd } from '../../domain/ending.ts'
import type { Log, ProcessId, Reaper, TreeRoot, WatchedSession } from '../../usecases/ports.ts'
import { endTrees } from '../processes/end-trees.ts'
import { isAlive } from '../processes/inspect.ts'
import { LiveTable } from './live-table.ts'
import { ReaperProcess } from './reaper-process.ts'
import { reaperKind, spawnReaper } from './spawn-reaper.ts'

export interface ReaperOptions {
  readonly log: Log
  /** The file that names the live processes to the next daemon. */
  readonly tablePath: string
}

interface Watched {
  readonly root: TreeRoot
  group: number
}

/** Somebody who kills every reaper keeps us no busier than this. */
const startPauseMs = 1_000
/** More than the reaper's own patience with what does not die of KILL. */
const patienceMs = 7_000
/** Lines that nobody needs any more, before the table is written anew. */
const mostStaleLines = 256

export function createReaper(options: ReaperOptions): Reaper {
  return new Reapers(options)
}

/**
 * Keeps one reaper process for as long as anything is watched. It is the one that ends; only where none can
 * be had, because it was killed in the midst or no process can be started, does this process do so itself.
 */
class Reapers implements Reaper {
  readonly #log: Log
  readonly #table: LiveTable
  readonly #watched = new Map<string, Watched>()
  /** Numbers of what is ended together; a session that has begun to lock gets a new one. */
  readonly #groups = new Map<string, number>()
  #lastGroup = 0
  #lines = 0
  #process: ReaperProcess | undefined
  #startedAtMs = -Infinity
  #restart: NodeJS.Timeout | undefined

  constructor({ log, tablePath }: ReaperOptions) {
    this.#log = log
    this.#table = new LiveTable(tablePath, log)
  }

  watch(root: TreeRoot, name: string): void {
    const key = keyOf(root)
    const group = this.#group(name)
    const known = this.#watched.get(key)
    if (known?.group === group) return
    this.#watched.set(key, { root, group })
    if (known === undefined) {
      this.#table.add(root)
      this.#lines += 1
    }
    this.#running()?.watch(group, root)
  }

  live(sessions: readonly WatchedSession[]): void {
    const wanted = new Set(sessions.flatMap(({ roots }) => roots.map(keyOf)))
    const inForce = new Set(sessions.map(({ name }) => this.#group(name)))
    for (const { name, roots } of sessions) for (const root of roots) this.watch(root, name)
    for (const [key, { root, group }] of this.#watched) {
      if (wanted.has(key) || !inForce.has(group)) continue
      this.#watched.delete(key)
      // What a client that has ended left behind is the reaper's to remember.
      if (isAlive(root.id)) this.#process?.forget(root.id)
    }
    if (this.#lines > this.#watched.size + mostStaleLines) this.#rewriteTable()
    this.#process?.live(
      sessions.map(({ name, deadlineBootMs, lifetimeWallMs }) => ({
        group: this.#group(name),
        deadlineBootMs,
        lifetimeWallMs,
      })),
    )
  }

  async end(name: string, roots: readonly TreeRoot[], spared: readonly ProcessId[] = []): Promise<void> {
    for (const root of roots) this.watch(root, name)
    const group = this.#group(name)
    this.#groups.delete(name)
    if (spared.length > 0) this.#keepOthers(name, group, roots)
    if (this.#process === undefined && roots.length === 0) return
    try {
      await this.#endGroup(group, spared)
    } finally {
      for (const [key, watched] of this.#watched) if (watched.group === group) this.#watched.delete(key)
      this.#rewriteTable()
      // Elsewhere it may know more than we do: what came of clients that are gone.
      if (this.#groups.size === 0) this.#rest()
    }
  }

  async endLeftBehind(): Promise<number> {
    const left = this.#table.read().filter(({ id }) => isAlive(id))
    if (left.length > 0) await this.end('left behind', left)
    else this.#rewriteTable()
    return left.length
  }

  /** The held ones go into a group of their own: their session goes on. */
  #keepOthers(name: string, group: number, roots: readonly TreeRoot[]): void {
    const ending = new Set(roots.map(keyOf))
    for (const [key, watched] of this.#watched) {
      if (watched.group === group && !ending.has(key)) this.watch(watched.root, name)
    }
  }

  /** @throws Error naming the pids that could not be ended */
  async #endGroup(group: number, spared: readonly ProcessId[]): Promise<void> {
    const roots = [...this.#watched.values()]
      .filter((watched) => watched.group === group)
      .map(({ root }) => root)
    const longestMs = Math.max(0, ...roots.map(({ graceMs }) => graceMs))
    const running = this.#running()
    for (const id of spared) running?.spare(id)
    const left = await running?.end(group, longestMs + patienceMs).catch((error: unknown) => {
      this.#log.error('the reaper did not end what a lock ends', { error: String(error) })
      return undefined
    })
    if (left === undefined) {
      const never = [process.pid, ...spared.map(({ pid }) => pid)]
      await endTrees(roots, (facts) => never.includes(facts.pid) || !mayEnd(facts))
    } else if (left !== '') throw new Error(`these processes could not be ended: ${left}`)
  }

  #group(name: string): number {
    const known = this.#groups.get(name)
    if (known !== undefined) return known
    this.#lastGroup += 1
    this.#groups.set(name, this.#lastGroup)
    return this.#lastGroup
  }

  /** @returns undefined while none can be had. */
  #running(): ReaperProcess | undefined {
    if (this.#process === undefined && performance.now() - this.#startedAtMs >= startPauseMs) this.#start()
    return this.#process
  }

  #start(): void {
    clearTimeout(this.#restart)
    this.#startedAtMs = performance.now()
    try {
      const started = new ReaperProcess(spawnReaper(reaperKind()), {
        gone: () => this.#lost(started),
        watched: (count) => this.#rest(count),
      })
      this.#process = started
    } catch (error) {
      this.#log.error('the reaper can’t be started', { error: String(error) })
      this.#startAgainSoon()
      return
    }
    for (const { root, group } of this.#watched.values()) this.#process.watch(group, root)
  }

  /** Killed, or it has ended everything by its own rules, because this process was stopped for too long. */
  #lost(lost: ReaperProcess): void {
    if (this.#process !== lost) return
    this.#process = undefined
    for (const [key, { root }] of this.#watched) if (!isAlive(root.id)) this.#watched.delete(key)
    this.#log.warn('the reaper is gone', { watched: this.#watched.size })
    this.#startAgainSoon()
  }

  #startAgainSoon(): void {
    if (this.#watched.size === 0) return
    const waitMs = Math.max(0, startPauseMs - (performance.now() - this.#startedAtMs))
    clearTimeout(this.#restart)
    // Timers count whole milliseconds of another clock: the pause is not asked for again, it may lack a part of one.
    this.#restart = setTimeout(() => this.#startWhereNeeded(), waitMs)
    this.#restart.unref()
  }

  #startWhereNeeded(): void {
    if (this.#process === undefined && this.#watched.size > 0) this.#start()
  }

  /** While nothing is watched, no reaper runs. `left` counts what it has seen to come of clients that are gone. */
  #rest(left = 0): void {
    if (left > 0 || this.#watched.size > 0) return
    const resting = this.#process
    this.#process = undefined
    resting?.close()
  }

  #rewriteTable(): void {
    const roots = [...this.#watched.values()].map(({ root }) => root)
    this.#table.replace(roots)
    this.#lines = roots.length
  }
}

const keyOf = ({ id }: TreeRoot): string => `${id.pid}:${id.startTicks}`
