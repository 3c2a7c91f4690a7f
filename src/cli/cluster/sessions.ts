import { GuardError } from '../../domain/errors.ts'
import { foundSessions, isPast, sessionsSelector } from '../../platform/cluster/session-objects.ts'
import type { FoundSession } from '../../platform/cluster/session-objects.ts'
import { runKubectl, targetFlags } from './run-kubectl.ts'

/**
 * Every session that has something in the cluster.
 * @throws GuardError cluster-refused, where kubectl has said why
 */
export async function sessionsIn(
  context: string | undefined,
  { pastOnly }: { readonly pastOnly: boolean },
): Promise<FoundSession[]> {
  const args = ['get', 'clusterroles', '-l', sessionsSelector, '-o', 'json', ...targetFlags({ context })]
  const { code, stdout } = await runKubectl(args, { reads: true })
  if (code !== 0)
    throw new GuardError('cluster-refused', 'kubectl could not list the sessions', {
      cure: 'use a context that may: --context NAME',
    })
  const found = foundSessions(JSON.parse(stdout))
  return pastOnly ? found.filter((session) => isPast(session, Date.now())) : found
}

/** So many names on one command line. */
const mostAtOnce = 200

/** Their rights first; the rest goes with its owner. @returns the worst exit code of kubectl */
export async function removeSessions(
  sessions: readonly FoundSession[],
  context: string | undefined,
): Promise<number> {
  let worst = 0
  for (let from = 0; from < sessions.length; from += mostAtOnce) {
    const names = sessions.slice(from, from + mostAtOnce).map(({ name }) => name)
    for (const kind of ['clusterrolebindings', 'clusterroles']) {
      const args = ['delete', kind, ...names, '--ignore-not-found', ...targetFlags({ context })]
      const { code } = await runKubectl(args, { reads: true })
      worst = Math.max(worst, code)
    }
  }
  return worst
}
