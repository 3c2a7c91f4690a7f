import { fateOf } from '../domain/ending.ts'
import { rootOf } from './ended-clients.ts'
import { clientKey } from './guarded-session.ts'
import type { Client } from './guarded-session.ts'
import type { Clock, ProcessTable, Reaper } from './ports.ts'
import type { Target } from './resolve-guard.ts'

type Alive = Pick<ProcessTable, 'isAlive'>

/** So few may be dead without being looked for: each heartbeat drops them, too. */
const leastDead = 64

/**
 * Records a process that a lock must end, before it is let go: what has not been recorded can't be ended.
 * One that is known already stays as it was recorded first; only the end of its credential moves, and once it has more than
 * a pass it always had.
 */
export function trackClient(
  deps: { clock: Clock; processes: Alive; reaper: Pick<Reaper, 'watch'> },
  { guarded }: Pick<Target, 'guarded'>,
  client: Omit<Client, 'since'>,
): void {
  const key = clientKey(client.id)
  const before = guarded.clients.get(key)
  const { credentialEndsMs, holdsPass = false } = client
  const kept: Client =
    before === undefined
      ? { ...client, since: deps.clock.now() }
      : {
          ...before,
          ...(credentialEndsMs !== undefined && { credentialEndsMs }),
          holdsPass: holdsPass && before.holdsPass === true,
        }
  guarded.clients.set(key, kept)
  if (fateOf(kept, guarded.endsHolders) === 'ended') {
    deps.reaper.watch(rootOf(kept), guarded.name)
  }
  if (guarded.clients.size <= guarded.lookAboveClients) return
  dropDead(deps.processes, guarded.clients)
  // Not before there are twice as many: a look at each of hundreds that live is not for every command to pay.
  guarded.lookAboveClients = guarded.clients.size * 2 + leastDead
}

/** Forgets the processes that have ended by themselves. */
export function dropDead(processes: Alive, clients: Map<string, Client>): void {
  for (const [key, client] of clients) if (!processes.isAlive(client.id)) clients.delete(key)
}
