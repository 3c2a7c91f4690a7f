import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { errorCatalogue, GuardError } from '../../domain/errors.ts'
import type { Answer } from '../../cluster-check/cluster.ts'
import { dirs, places } from '../../platform/dirs.ts'
import { noKubectl, runKubectl, targetFlags } from './run-kubectl.ts'
import type { Ended, Target } from './run-kubectl.ts'

/** One question, and no more: kubectl itself tries again for a while. */
const requestTimeout = '--request-timeout=20s'
const patienceMs = 90_000
const atOnce = 3

/**
 * The real kubectl behind our own shim: gate, prompt, credential plugin and lock are those of every kubectl, and no
 * credential comes into this process. Where nothing of ours is installed it is the kubectl on PATH.
 */
export class GuardedKubectl {
  readonly #program: string
  readonly #flags: readonly string[]
  readonly #waiting: (() => void)[] = []
  #running = 0
  #lockedOut: GuardError | undefined

  constructor(target: Target) {
    const shim = join(places.shims(dirs()), 'kubectl')
    this.#program = existsSync(shim) ? shim : 'kubectl'
    this.#flags = [...targetFlags(target), requestTimeout]
  }

  /**
   * The first question, at which a locked session asks for its passphrase: what kubectl says on stderr is for the person.
   *
   * @returns what it printed; undefined where nobody unlocked, which was said
   * @throws GuardError `cluster-unreachable`; `program-missing`
   */
  async first(args: readonly string[]): Promise<string | undefined> {
    const { code, stdout } = await this.#run(args)
    if (code === 0) return stdout
    if (isLocked(code)) return undefined
    if (code === errorCatalogue['program-missing'].exitCode) throw noKubectl()
    throw new GuardError('cluster-unreachable', 'kubectl can’t ask this cluster: what it said stands above', {
      cure: 'see what kubectl said; then try: kubectl get --raw /version',
    })
  }

  /** @throws GuardError `locked` where the session was locked meanwhile */
  async ask(args: readonly string[], input?: string): Promise<Answer> {
    await this.#turn()
    try {
      if (this.#lockedOut !== undefined) throw this.#lockedOut
      const { code, stdout, stderr } = await this.#run(args, { input, isFirst: false })
      if (code === 0) return { ok: true, text: stdout }
      if (isLocked(code)) throw this.#lock()
      const why = stderr.trim().split('\n').at(-1) || 'kubectl ended without a word'
      return { ok: false, forbidden: isForbidden(why), why }
    } finally {
      this.#running -= 1
      this.#waiting.shift()?.()
    }
  }

  #lock(): GuardError {
    this.#lockedOut ??= new GuardError('locked', 'the session was locked while the cluster was asked')
    return this.#lockedOut
  }

  async #turn(): Promise<void> {
    while (this.#running >= atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#running += 1
  }

  async #run(
    args: readonly string[],
    { input, isFirst }: { readonly input?: string | undefined; readonly isFirst: boolean } = {
      isFirst: true,
    },
  ): Promise<Ended> {
    const ended = await runKubectl([...args, ...this.#flags], {
      program: this.#program,
      input: input ?? '',
      reads: true,
      readsErrors: !isFirst,
      // A person may take his time over the first one.
      ...(!isFirst && { withinMs: patienceMs }),
    })
    return ended.signal === 'SIGTERM' ? { ...ended, code: errorCatalogue.locked.exitCode } : ended
  }
}

/** In what every kubectl says of a 403: `Error from server (Forbidden): …`, or `error: …: NAME is forbidden: …`. */
const isForbidden = (why: string): boolean => /^Error from server \(Forbidden\)|\bis forbidden: /.test(why)

/** The shim’s own code; or, without a terminal, that of a client that a lock has ended (128 + SIGTERM). */
const isLocked = (code: number): boolean => code === errorCatalogue.locked.exitCode || code === 143
