import { passDigest } from '../platform/gateways/pass-digest.ts'
import type { ProcessId } from '../usecases/ports.ts'

/** Who may use which credential, for how long. */
export interface Pass {
  readonly credential: string
  /** The client that it was made for; what it has started may use it, too. */
  readonly client: ProcessId
  /** Base name of its executable, as it was when the pass was made. */
  readonly program: string
  /** In wall-clock ms. */
  readonly untilWallMs: number
}

/** One pass for each client process; the oldest gives way. */
const mostPasses = 4_096
/** A client that renews in time is not refused for a clock that is read twice. */
const leewayMs = 5_000

/** The passes of this session. What is kept is their digests: who reads this process's memory finds no pass. */
export class Passes {
  readonly #byDigest = new Map<string, Pass>()
  readonly #wallMs: () => number

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs
  }

  /** @param digest of the pass */
  add(digest: string, pass: Pass): void {
    // In the order in which they were made, and so about that in which they end.
    for (const [known, { untilWallMs }] of this.#byDigest) {
      if (this.#wallMs() < untilWallMs + leewayMs) break
      this.#byDigest.delete(known)
    }
    this.#byDigest.set(digest, pass)
    const oldest = this.#byDigest.keys().next().value
    if (this.#byDigest.size > mostPasses && oldest !== undefined) this.#byDigest.delete(oldest)
  }

  /** @param authorization the header's value. @returns undefined for nobody's, and for one that has ended */
  find(authorization: string | undefined): Pass | undefined {
    const [, presented] = /^Bearer +(\S{1,256})$/i.exec(authorization ?? '') ?? []
    const pass = presented === undefined ? undefined : this.#byDigest.get(passDigest(presented))
    return pass !== undefined && this.#wallMs() < pass.untilWallMs + leewayMs ? pass : undefined
  }

  /** Takes back those of whom `stays` does not hold. */
  keep(stays: (pass: Pass) => boolean): void {
    for (const [digest, pass] of this.#byDigest) if (!stays(pass)) this.#byDigest.delete(digest)
  }
}
