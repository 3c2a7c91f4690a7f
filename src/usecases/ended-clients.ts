import { fateOf } from '../domain/ending.ts'
import type { Client, GuardedSession } from './guarded-session.ts'
import type { TreeRoot } from './ports.ts'

/** A holder's children are their own masters, unless they are holders or live themselves. */
export function rootOf({ id, graceMs, kind }: Client): TreeRoot {
  return { id, graceMs, alone: kind === 'holder' }
}

/** The clients that a lock ends, as the reaper has to know them. */
export function rootsOf({ clients }: GuardedSession, endsHolders: boolean): TreeRoot[] {
  return [...clients.values()].filter((client) => fateOf(client, endsHolders) === 'ended').map(rootOf)
}
