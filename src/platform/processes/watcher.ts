import { mayEnd } from '../../domain/ending.ts'
import type { ProcessId, TreeRoot } from '../../usecases/ports.ts'
import { endTrees } from './end-trees.ts'
import { findTrees } from './find-tree.ts'
import { ancestryOf, isAlive } from './inspect.ts'
import { scanProcesses } from './proc-stat.ts'

/** As native/reaper/ending.h: clients, and what was seen to come of them. */
const mostWatched = 16_384

interface Entry {
  readonly root: TreeRoot
  group: number
  /** The client that it came of: its own pid for a client. */
  readonly owner: number
}

/** What is to be ended, and what was seen to come of it. What native/reaper/ending.c does, for where no compiler was. */
export class Watcher {
  readonly #entries = new Map<string, Entry>()
  readonly #neverPids: readonly number[]
  readonly #spared: ProcessId[] = []

  /** `neverPids` are never ended: the daemon, and this process. */
  constructor(neverPids: readonly number[]) {
    this.#neverPids = neverPids
  }

  get size(): number {
    return this.#entries.size
  }

  /** Takes a client in, or moves it and what came of it to another group. Where there is no room it is killed. */
  watch(root: TreeRoot, group: number): void {
    const { pid } = root.id
    for (const entry of this.#entries.values()) if (entry.owner === pid) entry.group = group
    const known = this.#entries.get(keyOf(root))
    // A holder that a live client started is ended with what it started, even when that client is gone.
    const alone = (root.alone ?? false) && (known === undefined || known.root.alone === true)
    if (known === undefined && this.#entries.size >= mostWatched) void this.#end([{ ...root, graceMs: 0 }])
    else this.#entries.set(keyOf(root), { root: { ...root, alone }, group, owner: pid })
  }

  forget(pid: number, startTicks: number): void {
    if (!this.#entries.has(`${pid}:${startTicks}`)) return
    for (const [key, { owner }] of this.#entries) if (owner === pid) this.#entries.delete(key)
  }

  /** Remembers what the clients started, and forgets what is gone with all it started. */
  lookAround(): void {
    const table = scanProcesses()
    for (const [key, entry] of this.#entries) {
      const members = findTrees(table, [entry.root], this.#keep)
      if (members.size === 0) this.#entries.delete(key)
      for (const { stat, graceMs, alone } of members.values()) {
        const root = { id: { pid: stat.pid, startTicks: stat.startTicks }, graceMs, alone }
        if (this.#entries.has(keyOf(root)) || this.#entries.size >= mostWatched) continue
        this.#entries.set(keyOf(root), { root, group: entry.group, owner: entry.owner })
      }
      if (entry.owner !== entry.root.id.pid && !isAlive(entry.root.id)) this.#entries.delete(key)
    }
  }

  /** The next group to be ended is ended without it and what it started, unless a rule ends it. */
  spare(id: ProcessId): void {
    this.#spared.push(id)
  }

  /** Ends a group. @returns the pids that could not be ended, as a text; '' for none. */
  endGroup(group: number, held: 'spare' | 'too'): Promise<string> {
    const spared = held === 'spare' ? this.#spared.splice(0).map(({ pid }) => pid) : []
    const roots: TreeRoot[] = []
    for (const [key, entry] of this.#entries) {
      if (entry.group !== group || (isSeen(entry) && isBelow(entry.root.id.pid, spared))) continue
      this.#entries.delete(key)
      roots.push(entry.root)
    }
    return this.#end(roots, spared)
  }

  async endAll(): Promise<void> {
    const groups = new Set([...this.#entries.values()].map(({ group }) => group))
    await Promise.all([...groups].map((group) => this.endGroup(group, 'too')))
  }

  async #end(roots: readonly TreeRoot[], spared: readonly number[] = []): Promise<string> {
    try {
      await endTrees(roots, (facts) => spared.includes(facts.pid) || this.#keep(facts))
      return ''
    } catch (error) {
      return String((error as Error).message.split(': ')[1])
    }
  }

  readonly #keep = (facts: Parameters<typeof mayEnd>[0]): boolean =>
    this.#neverPids.includes(facts.pid) || !mayEnd(facts)
}

const keyOf = ({ id }: TreeRoot): string => `${id.pid}:${id.startTicks}`
const isSeen = ({ root, owner }: Entry): boolean => root.id.pid !== owner
const isBelow = (pid: number, spared: readonly number[]): boolean =>
  spared.length > 0 && [...ancestryOf(pid)].some((ancestor) => spared.includes(ancestor.pid))
