import { createHash } from 'node:crypto'
import { clientKey } from './guarded-session.ts'
import type { ProcessId, ProcessTable, Programs } from './ports.ts'

/** How many shims of one tool may stand behind each other before we call it a circle. */
const longestChain = 8

const kubectl = 'kubectl'

/** What PATH has for a client. */
export interface FoundProgram {
  /** Absolute; latin1, one character for one byte. */
  readonly path: string
  /** It is named to the client now: should that come again, it stands behind another shim. */
  remember(): void
}

interface Named {
  readonly id: ProcessId
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
  readonly #processes: Pick<ProcessTable, 'isAlive' | 'lineage'>
  readonly #named = new Map<string, Named>()

  constructor(programs: Programs, processes: Pick<ProcessTable, 'isAlive' | 'lineage'>) {
    this.#programs = programs
    this.#processes = processes
  }

  /** @returns undefined when PATH holds none (any more). */
  find(argv: readonly Buffer[], path: string, client: ProcessId): FoundProgram | undefined {
    const tool = this.toolOf(argv)
    const digest = digestOf(argv)
    const before = this.#namedBefore(digest, client)
    if (before !== undefined && before.rounds >= longestChain) return undefined
    const skip = before?.path === path ? before.count : 0
    const found = nth(this.#programs.onPath(tool, path), skip)
    if (found === undefined) return undefined
    const entry = { id: client, digest, path, count: skip + 1, rounds: (before?.rounds ?? 0) + 1 }
    return { path: found, remember: () => this.#remember(client, entry) }
  }

  /** The tool that was called, under whatever name: a link of the user's own, or `exec -a`. */
  toolOf(argv: readonly Buffer[]): string {
    const name = baseName(argv[0]?.toString('latin1') ?? '')
    return name !== kubectl && this.#programs.hasShim(name) ? name : kubectl
  }

  /** What was named for these arguments to the client itself or to the nearest of its parents. */
  #namedBefore(digest: string, client: ProcessId): Named | undefined {
    // Each parent costs a look at /proc: none is needed where whoever came with these arguments is gone.
    if (!this.#isNamedToSomeone(digest)) return undefined
    for (const id of this.#processes.lineage(client.pid)) {
      const entry = this.#named.get(clientKey(id))
      if (entry?.digest === digest) return entry
    }
    return undefined
  }

  #isNamedToSomeone(digest: string): boolean {
    for (const [key, entry] of this.#named) {
      if (entry.digest !== digest) continue
      if (this.#processes.isAlive(entry.id)) return true
      this.#named.delete(key)
    }
    return false
  }

  #remember(client: ProcessId, entry: Named): void {
    const limit = 256
    this.#named.set(clientKey(client), entry)
    const oldest = this.#named.keys().next().value
    if (this.#named.size > limit && oldest !== undefined) this.#named.delete(oldest)
  }
}

function nth(candidates: Iterable<string>, index: number): string | undefined {
  let left = index
  for (const candidate of candidates) if (left-- === 0) return candidate
  return undefined
}

function digestOf(argv: readonly Buffer[]): string {
  const hash = createHash('sha256')
  for (const argument of argv.slice(1)) hash.update(argument).update('\0')
  return hash.digest('hex')
}

/** The last part of a path. */
function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
