/** The rules for a set of contexts, parsed and complete. Times in milliseconds. */
export interface Policy {
  readonly name: string
  /** Globs over whole context names: `*` any run, `?` one character. First policy that matches wins. */
  readonly contexts: readonly string[]
  readonly idleMs: number
  readonly lifetimeMs: number
  readonly warnMs: number
  readonly live: 'kill'
  readonly holders: 'expire' | 'end'
}

/** The policies in force, in order; the last one matches every context. */
export type PolicySet = readonly Policy[]

/** Something wrong in a policy file. Line and column from 1. */
export interface PolicyProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  readonly cure: string
}
