import { GuardError } from '../domain/errors.ts'
import { runScribe } from '../platform/scribes/run-scribe.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { OpenReport } from '../protocol/reports.ts'
import { toGuardError } from './connection.ts'

type Report = Pick<OpenReport, 'materialised' | 'notMaterialised'>

/** The longest that taking out may hold up the end of a keeper: what began by then goes on without it. */
const partingMs = 1_000

/** What this keeper's session has in kubeconfigs in plain text (`materialize`). */
export class PlainText {
  #trace: string | undefined

  /** Puts the credentials there, by a scribe. What fails is told, and no reason to stay locked. */
  async put(trace: string, all: readonly VaultItem[]): Promise<Report> {
    const items = all.filter((item) => whyNot(item) === undefined)
    const kept = all.flatMap((item) => whyNot(item) ?? [])
    if (items.length === 0) return { notMaterialised: kept }
    this.#trace = trace
    try {
      const { materialised, failed } = await runScribe({ job: 'materialise', trace, items })
      return { materialised, notMaterialised: [...failed, ...kept] }
    } catch (error) {
      const { message, cure } = error instanceof GuardError ? error : toGuardError(error)
      return {
        notMaterialised: [...items.map(({ user, file }) => ({ user, file, message, cure })), ...kept],
      }
    }
  }

  /**
   * The daemon is gone, or hangs: nobody else is there to take it out. A scribe does it, and needs nothing of this
   * process any more once it has its job.
   */
  takeOut(exit: () => void): void {
    const trace = this.#trace
    if (trace === undefined) return exit()
    setTimeout(exit, partingMs)
    runScribe({ job: 'unmaterialise', traces: [trace] }, { onStarted: exit }).catch(exit)
  }
}

function whyNot(item: VaultItem): NonNullable<Report['notMaterialised']>[number] | undefined {
  const { user, file } = item
  const message = elsewhere(item)
  return message === undefined
    ? undefined
    : { user, file, message, cure: 'use a client that runs exec plugins' }
}

function elsewhere({ exec, upstreams }: VaultItem): string | undefined {
  // Nothing is there to be written down: the plugin is run anew whenever what it gave has ended.
  if (exec !== undefined)
    return 'its credential is given by an exec plugin, which only runs when a client asks'
  return upstreams === undefined ? undefined : 'its credential is behind the gateway, and stays there'
}
