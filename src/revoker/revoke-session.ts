import { ClusterApi } from '../platform/cluster/cluster-api.ts'
import { endSessionFor } from '../platform/cluster/end-session.ts'
import { dirs, places } from '../platform/dirs.ts'
import { noteRevocation } from '../platform/revocations.ts'
import type { ClusterRevocation } from '../platform/revoker/start-revoker.ts'

/** Longer than any token of a session lives on: ten minutes, and what an API server grants beyond. */
const longestMs = 12 * 60_000

/**
 * Deletes what a session is in its cluster. Where that API server can't be reached it is tried until the session's token
 * is dead by itself.
 *
 * @throws Error whose code says why something may be left there
 */
export async function revokeSession(order: ClusterRevocation): Promise<void> {
  const { place, token, steps, policy, name, deadMs } = order
  const sinceMs = Date.now()
  const untilMs = Math.min(deadMs, sinceMs + longestMs)
  // Revoked first: the note is written while the connection is made.
  const ending = endSessionFor(new ClusterApi(place, { token }), steps, untilMs)
  const done = noted({ policy, server: place.server, name, sinceMs, untilMs })
  const failure = await ending
  if (failure !== undefined) throw Object.assign(new Error(failure), { code: failure.toUpperCase() })
  done()
}

/** A disk that is full is no reason to leave the session there. */
function noted(pending: Parameters<typeof noteRevocation>[1]): () => void {
  try {
    return noteRevocation(places.revocations(dirs()), pending)
  } catch {
    return () => {}
  }
}
