import { GuardError } from '../../domain/errors.ts'
import { plainText } from '../../domain/plain-text.ts'
import { ClusterUnreachable } from '../../platform/cluster/cluster-api.ts'
import type { ClusterReply } from '../../platform/cluster/cluster-api.ts'

/** Where a session is to be opened, in words. */
export interface Whereabouts {
  readonly user: string
  readonly server: string
}

/** What the API server refused: its own words, since they name the right that is missing. */
export function refusedBy(reply: ClusterReply, what: string, { user, server }: Whereabouts): GuardError {
  const said = (reply.body as { message?: unknown } | undefined)?.message
  const words = typeof said === 'string' ? plainText(said, 300) : `status ${reply.status}`
  const at = `${plainText(server, 200)} refused ${what} for ${plainText(user, 100)}: ${words}`
  if (reply.status === 401)
    return new GuardError('cluster-refused', at, {
      cure: 'its credential is not valid any more: fetch a new one, then run: kubeguard adopt',
    })
  return new GuardError('cluster-refused', at)
}

/** @returns what to tell of an error while speaking to an API server */
export function toClusterError(error: unknown, { user, server }: Whereabouts): unknown {
  if (!(error instanceof ClusterUnreachable)) return error
  const message = `no session for ${plainText(user, 100)}: ${plainText(server, 200)} can’t be reached (${error.code})`
  return new GuardError('cluster-unreachable', message)
}
