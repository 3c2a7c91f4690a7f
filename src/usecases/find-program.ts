import { createHash } from 'node:crypto'
import type { Ancestor } from '../domain/holder.ts'
import { clientKey } from './guarded-session.ts'
import type { ProcessId, Programs } from './ports.ts'

/** How many shims of one tool may stand behind each other before we call it a circle. */
const longestChain = 8

/**
 * Names the real program behind a shim. When a process, or a descendant of it, comes again with the
 * same arguments, what we named was a shim itself (a version manager's, a dispatcher): then the next one
 * on PATH is named.
 */
export class FindProgram {
  readonly #programs: Programs
  readonly #named = new Map<string, { digest: string; count: number; path: string }>()

  constructor(programs: Programs) {
    this.#programs = programs
  }

  /** @returns the absolute path as latin1 bytes, or undefined when PATH holds none (any more). */
  find(
    argv: readonly Buffer[],
    path: string,
    client: ProcessId,
    ancestry: readonly Ancestor[],
  ): string | undefined {
    const tool = baseName(argv[0]?.toString('latin1') ?? '')
    const digest = digestOf(argv)
    const before = ancestry
      .map((ancestor) => this.#named.get(clientKey(ancestor)))
      .find((entry) => entry?.digest === digest)
    const skip = before?.path === path ? before.count : 0
    if (skip >= longestChain) return undefined
    const found = this.#programs.onPath(tool, path)[skip]
    if (found !== undefined) this.#remember(client, { digest, count: skip + 1, path })
    return found
  }

  #remember(client: ProcessId, entry: { digest: string; count: number; path: string }): void {
    const limit = 256
    this.#named.set(clientKey(client), entry)
    const oldest = this.#named.keys().next().value
    if (this.#named.size > limit && oldest !== undefined) this.#named.delete(oldest)
  }
}

function digestOf(argv: readonly Buffer[]): string {
  const hash = createHash('sha256')
  for (const argument of argv.slice(1)) hash.update(argument).update('\0')
  return hash.digest('hex')
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
