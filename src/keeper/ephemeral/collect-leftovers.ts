import type { ClusterApi } from '../../platform/cluster/cluster-api.ts'
import { endSession } from '../../platform/cluster/end-session.ts'
import {
  endingSteps,
  foundSessions,
  isPast,
  ownersPath,
  ownPrefix,
} from '../../platform/cluster/session-objects.ts'
import type { FoundSession } from '../../platform/cluster/session-objects.ts'
import { isKeeperGone } from './own-machine.ts'
import type { OwnMachine } from './own-machine.ts'

/** What one unlock takes away at most, so that it stays a small thing. */
const mostAtOnce = 50

/**
 * Deletes what sessions of this person on this machine have left in the cluster: those whose keeper is gone, and that no
 * revoker is about to end, since it would have by now; and those that are past their end. Never throws.
 */
export async function collectLeftovers(api: ClusterApi, machine: OwnMachine, person: string): Promise<void> {
  try {
    const { body } = await api.send('GET', ownersPath(machine.digest))
    const left = foundSessions(body).filter((session) => isLeft(session, machine, person))
    for (const session of left.slice(0, mostAtOnce)) await endSession(api, endingSteps(session))
  } catch {
    // Nobody waits for it; the next unlock looks again.
  }
}

/** A session that ends just now has its revoker: seconds in which two would delete the same do no harm. */
function isLeft(session: FoundSession, machine: OwnMachine, person: string): boolean {
  const isOwn = session.machine === machine.digest && session.name.startsWith(ownPrefix(person))
  return isOwn && (isKeeperGone(session.keeper) || isPast(session, Date.now()))
}
