import type { SaidKeys } from '../../domain/explain-policy.ts'
import type { Policy, PolicyProblem, PolicySet } from '../../domain/policy.ts'
import { parsePolicyFile } from './parse-policy-file.ts'
import { readStamped, sameStamp, stampOf } from './read-file.ts'
import type { FileStamp } from './read-file.ts'

/** What is wrong with a file as a whole, beyond its text: such as who else could write it, or (no stamp) take it away. */
export type Distrust = (
  stamp: FileStamp | undefined,
  path: string,
) => { readonly message: string; readonly cure: string } | undefined

/**
 * One policy file, read anew when its stamp changed. `rules` are the last good ones; undefined while
 * there never were any.
 */
export class RulesFile {
  readonly path: string
  rules: PolicySet | undefined
  /** Which keys each policy of `rules` says, by name. */
  said: ReadonlyMap<string, SaidKeys> = new Map()
  problems: readonly PolicyProblem[] = []
  exists = false
  readonly #rest: Policy | undefined
  readonly #distrust: Distrust
  /** Why a file that is not there may have been taken away by others. */
  #takenAway: string | undefined
  #seen: FileStamp | 'missing' | { readonly code: string } | undefined

  constructor(path: string, options: { rest?: Policy; distrust?: Distrust } = {}) {
    this.path = path
    this.#rest = options.rest
    this.#distrust = options.distrust ?? (() => undefined)
  }

  /** @returns whether anything changed since the last call. One stat where nothing did. */
  refresh(): boolean {
    const now = stampOf(this.path)
    const takenAway = now === 'missing' ? this.#distrust(undefined, this.path) : undefined
    if (this.#isSeen(now) && takenAway?.message === this.#takenAway) return false
    this.#seen = now
    this.#takenAway = takenAway?.message
    this.exists = now !== 'missing' || takenAway !== undefined
    if (now === 'missing') {
      this.rules = undefined
      this.problems = []
      if (takenAway !== undefined) this.#refuse(takenAway.message, takenAway.cure)
    } else if ('code' in now) {
      this.#refuse(`the file can't be reached (${now.code})`, 'check who owns it and its folder')
    } else {
      this.#read()
    }
    return true
  }

  get valid(): boolean {
    return this.problems.every((problem) => problem.severity === 'warning')
  }

  #isSeen(now: FileStamp | 'missing' | { readonly code: string }): boolean {
    const seen = this.#seen
    if (seen === undefined) return false
    if (typeof now === 'string' || typeof seen === 'string') return now === seen
    if ('code' in now || 'code' in seen) return 'code' in now && 'code' in seen && now.code === seen.code
    return sameStamp(now, seen)
  }

  #read(): void {
    try {
      const { stamp, text } = readStamped(this.path)
      this.#seen = stamp
      const distrust = this.#distrust(stamp, this.path)
      if (distrust !== undefined) return this.#refuse(distrust.message, distrust.cure)
      const { policies, said, problems } = parsePolicyFile(text, this.path, this.#rest)
      this.problems = problems
      if (policies === undefined) return
      this.rules = policies
      this.said = said
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      const why = error instanceof TypeError ? 'it is not UTF-8' : (code ?? message)
      this.#refuse(`the file can't be read: ${why}`, 'check who owns it, and its mode')
    }
  }

  #refuse(message: string, cure: string): void {
    this.problems = [{ file: this.path, line: 1, column: 1, message, cure, severity: 'error' }]
  }
}
