import { hash } from 'node:crypto'
import { clientKey } from './guarded-session.ts'
import type { ProcessId, ProcessTable, Programs } from './ports.ts'

/** Who asks, and its parent. */
type Asking = Parameters<ProcessTable['lineage']>[0]

/** How many shims of one tool may stand behind each other before we call it a circle. */
const longestChain = 8

const kubectl = 'kubectl'

/** What PATH has for a client. */
export interface FoundProgram {
  /** What was called. */
  readonly tool: string
  /** Absolute; latin1, one character for one byte. */
  readonly path: string
  /** It is named to the client now: should that come again, it stands behind another shim. */
  remember(): void
}

interface Named {
  readonly id: ProcessId
  /** Of the tool and its arguments. */
  readonly digest: string
  /** How many programs of that name on this PATH were named to this client or to those before it. */
  readonly count: number
  readonly path: string
  /** The same, whatever PATH they came with: a circle may change it each time. */
  readonly rounds: number
}

/**
 * Names the real program behind a shim. When a process, or a descendant of it, comes again with the
 * same arguments, what we named was a shim itself (a version manager's, a dispatcher): then the next one
 * on PATH is named.
 */
export class FindProgram {
  readonly #programs: Programs
  readonly #processes: Pick<ProcessTable, 'lineage'>
  /** By process and digest: one process may become one tool's script and then another's shim. */
  readonly #named = new Map<string, Named>()

  constructor(programs: Programs, processes: Pick<ProcessTable, 'lineage'>) {
    this.#programs = programs
    this.#processes = processes
  }

  /** @returns undefined when PATH holds none (any more). */
  find(argv: readonly Buffer[], path: string, client: Asking): FoundProgram | undefined {
    const tool = this.toolOf(argv)
    const digest = digestOf(tool, argv)
    const before = this.#namedBefore(digest, client)
    if (before !== undefined && before.rounds >= longestChain) return undefined
    const skip = before?.path === path ? before.count : 0
    const found = nth(this.#programs.onPath(tool, path), skip)
    if (found === undefined) return undefined
    const id = { pid: client.pid, startTicks: client.startTicks }
    const entry = { id, digest, path, count: skip + 1, rounds: (before?.rounds ?? 0) + 1 }
    return { tool, path: found, remember: () => this.#remember(entry) }
  }

  /** The tool that was called, under whatever name: a link of the user's own, or `exec -a`. */
  toolOf(argv: readonly Buffer[]): string {
    const name = baseName(argv[0]?.toString('latin1') ?? '')
    return name !== kubectl && this.#programs.hasShim(name) ? name : kubectl
  }

  /** What was named for these arguments to the client itself or to the nearest of its parents. */
  #namedBefore(digest: string, client: Asking): Named | undefined {
    const oldest = this.#oldestNamed(digest)
    if (oldest === undefined) return undefined
    for (const id of this.#processes.lineage(client)) {
      const entry = this.#named.get(keyOf(id, digest))
      if (entry !== undefined) return entry
      // Each parent costs a look at /proc, and each is older than its child.
      if (id.startTicks < oldest) return undefined
    }
    return undefined
  }

  /** @returns the start of the oldest process that came with these arguments; undefined for none. */
  #oldestNamed(digest: string): number | undefined {
    let oldest: number | undefined
    for (const { digest: named, id } of this.#named.values())
      if (named === digest && !(oldest !== undefined && oldest <= id.startTicks)) oldest = id.startTicks
    return oldest
  }

  #remember(entry: Named): void {
    const limit = 256
    this.#named.set(keyOf(entry.id, entry.digest), entry)
    const oldest = this.#named.keys().next().value
    if (this.#named.size > limit && oldest !== undefined) this.#named.delete(oldest)
  }
}

function nth(candidates: Iterable<string>, index: number): string | undefined {
  let left = index
  for (const candidate of candidates) if (left-- === 0) return candidate
  return undefined
}

const keyOf = (id: ProcessId, digest: string): string => `${clientKey(id)}:${digest}`

function digestOf(tool: string, argv: readonly Buffer[]): string {
  const parts = [Buffer.from(tool, 'latin1'), ...argv.slice(1)].flatMap((part) => [part, separator])
  return hash('sha256', Buffer.concat(parts))
}

const separator = Buffer.alloc(1)

/** The last part of a path. */
function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
