import { GuardError } from '../domain/errors.ts'
import { isServed, isSameProcess } from '../domain/hold.ts'
import type { HeldProcess } from '../domain/hold.ts'
import { findHolder } from '../domain/holder.ts'
import type { Ancestor } from '../domain/holder.ts'

type Narrowed = { readonly jobs: readonly HeldProcess[]; readonly writers: readonly HeldProcess[] }

/**
 * Whom a keeper serves: everybody who has a ticket, until the daemon narrows it to a few processes. It looks
 * for itself then, at each request, and there is no way back: a daemon that was deceived can't widen it.
 */
export class Served {
  readonly #ancestry: (pid: number) => Iterable<Ancestor>
  #narrowed: Narrowed | undefined

  constructor(ancestry: (pid: number) => Iterable<Ancestor>) {
    this.#ancestry = ancestry
  }

  /** @throws GuardError protocol-error for what is no process: then nobody is served */
  narrow(jobs: readonly string[], writers: readonly string[]): void {
    const before = this.#narrowed
    this.#narrowed = { jobs: [], writers: [] }
    this.#narrowed = {
      jobs: both(before?.jobs, jobs.map(parseProcess)),
      writers: both(before?.writers, writers.map(parseProcess)),
    }
  }

  /** Does what this client was given still count? */
  servesClient(client: HeldProcess): boolean {
    return this.#narrowed === undefined || this.#isHeld(client.pid, client)
  }

  /** May the credential go to this plugin? */
  serves(pluginPid: number): boolean {
    if (this.#narrowed === undefined) return true
    const found = findHolder(this.#ancestry(pluginPid))
    return 'holder' in found && this.#isHeld(pluginPid, found.holder)
  }

  #isHeld(pid: number, holder: HeldProcess): boolean {
    const { jobs, writers } = this.#narrowed ?? { jobs: [], writers: [] }
    const granted = { forMs: 0, since: undefined } as const
    const holds = [
      ...jobs.map((process) => ({ ...granted, process, kind: 'hold' as const })),
      ...writers.map((process) => ({ ...granted, process, kind: 'finish' as const })),
    ]
    return isServed(holds, this.#ancestry(pid), holder)
  }
}

const both = (
  before: readonly HeldProcess[] | undefined,
  now: readonly HeldProcess[],
): readonly HeldProcess[] =>
  before === undefined ? now : now.filter((one) => before.some((other) => isSameProcess(one, other)))

function parseProcess(text: string): HeldProcess {
  const [, pid, startTicks] = /^(\d{1,10}):(\d{1,15})$/.exec(text) ?? []
  if (pid === undefined) throw new GuardError('protocol-error', 'that is no process')
  return { pid: Number(pid), startTicks: Number(startTicks) }
}
