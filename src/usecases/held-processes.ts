import { isServed } from '../domain/hold.ts'
import type { HeldProcess, Hold } from '../domain/hold.ts'
import type { Client, GuardedSession } from './guarded-session.ts'
import type { ProcessTable } from './ports.ts'

type Deps = { readonly processes: Pick<ProcessTable, 'ancestry'> }

/** Is this session held, and this process one of those that it still serves? */
export function isHeldFor(
  { processes }: Deps,
  { session }: GuardedSession,
  pid: number,
  holder?: HeldProcess,
): boolean {
  return session.state === 'held' && isServed(session.holds, processes.ancestry(pid), holder)
}

/** The word that an idle lock spares this client for, if there is one. */
export function holdOf({ processes }: Deps, { session }: GuardedSession, client: Client): Hold | undefined {
  if (session.state !== 'held' && session.state !== 'unlocked') return undefined
  return session.holds.find((hold) => isServed([hold], processes.ancestry(client.id.pid), client.id))
}

/** The processes that a held session keeps, for what must not be ended with a tree around them. */
export function heldProcesses({ session }: GuardedSession): readonly Hold[] {
  return session.state === 'held' ? session.holds : []
}
