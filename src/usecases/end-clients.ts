import { GuardError } from '../domain/errors.ts'
import type { EndReport } from '../protocol/reports.ts'
import { rootOf } from './ended-clients.ts'
import { allClients, clientKey } from './guarded-session.ts'
import type { Client } from './guarded-session.ts'
import type { Journal, ProcessTable, Reaper } from './ports.ts'
import type { SessionTable } from './session-table.ts'
import type { Supervisors } from './supervisors.ts'

interface Deps {
  readonly journal: Journal
  readonly processes: ProcessTable
  readonly reaper: Reaper
  readonly table: SessionTable
  readonly supervisors: Pick<Supervisors, 'tellEnd'>
}

/**
 * Ends clients by a person's choice, as a lock would end them. Nothing is ended where one of them is unknown.
 *
 * @throws GuardError client-unknown
 */
export async function endClients(deps: Deps, pids: readonly string[]): Promise<EndReport> {
  const chosen = [...new Set(pids)].map((pid) => clientOf(deps, pid))
  const failures: string[] = []
  deps.supervisors.tellEnd(chosen, endedByPerson)
  await deps.reaper
    .end('chosen by a person', chosen.map(rootOf))
    .catch((error: unknown) => failures.push(error instanceof Error ? error.message : String(error)))
  const ended = chosen.filter(({ id }) => !deps.processes.isAlive(id))
  for (const client of ended) forget(deps, client)
  return { ended: ended.map(({ id, program }) => ({ pid: id.pid, program })), failures }
}

const endedByPerson = ({ command }: Client) => ({
  byPerson: true,
  message: `kubeguard: ${command} was ended by kubeguard kill`,
})

function clientOf({ processes, table }: Deps, pid: string): Client {
  for (const guarded of table.all()) {
    for (const client of allClients(guarded))
      if (String(client.id.pid) === pid && processes.isAlive(client.id)) return client
  }
  throw new GuardError('client-unknown', `${pid} is no live process and no holder`)
}

function forget({ journal, table }: Deps, { id, program }: Client): void {
  for (const { policy, clients, suspended } of table.all()) {
    const known = [clients, suspended?.clients].some((map) => map?.delete(clientKey(id)) === true)
    if (!known) continue
    journal.record({ event: 'client-ended', policy, details: { pid: id.pid, program } })
  }
}
