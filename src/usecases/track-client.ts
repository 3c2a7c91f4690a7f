import { fateOf } from '../domain/ending.ts'
import { rootOf } from './ended-clients.ts'
import { clientKey } from './guarded-session.ts'
import type { Client } from './guarded-session.ts'
import type { Clock, ProcessTable, Reaper } from './ports.ts'
import type { Target } from './resolve-guard.ts'

/** More clients than this have to be gone through at a lock; dead ones are dropped long before. */
const sweepAbove = 64

/**
 * Records a process that a lock must end, before it is let go: what has not been recorded can't be ended.
 * One that is known already stays as it was recorded first; only the end of its credential moves.
 */
export function trackClient(
  deps: { clock: Clock; processes: ProcessTable; reaper: Reaper },
  { guarded }: Pick<Target, 'guarded'>,
  client: Omit<Client, 'since'>,
): void {
  const key = clientKey(client.id)
  const before = guarded.clients.get(key)
  const ends = client.credentialEndsMs
  if (before === undefined) guarded.clients.set(key, { ...client, since: deps.clock.now() })
  else if (ends !== undefined) guarded.clients.set(key, { ...before, credentialEndsMs: ends })
  const kept = guarded.clients.get(key)
  if (kept !== undefined && fateOf(kept, guarded.endsHolders) === 'ended') {
    deps.reaper.watch(rootOf(kept), guarded.policy)
  }
  if (guarded.clients.size > sweepAbove) dropDead(deps.processes, guarded.clients)
}

/** Forgets the processes that have ended by themselves. */
export function dropDead(processes: ProcessTable, clients: Map<string, Client>): void {
  for (const [key, client] of clients) if (!processes.isAlive(client.id)) clients.delete(key)
}
