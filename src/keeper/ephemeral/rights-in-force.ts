import { setTimeout as pause } from 'node:timers/promises'
import { ClusterApi } from '../../platform/cluster/cluster-api.ts'
import type { ClusterPlace } from '../../platform/cluster/cluster-api.ts'

/** An API server acts on a new binding within some milliseconds; measured, half a second was always enough. */
const longestMs = 1_000
const pauseMs = 20

/**
 * Waits until the API server acts on what this token was given, so that the first command after an unlock is not refused.
 * Never throws: who can't be told is as if it were.
 */
export async function rightsInForce(place: ClusterPlace, token: string, namespace: string): Promise<void> {
  const api = new ClusterApi(place, { token })
  const version = 'authorization.k8s.io/v1'
  const review = { apiVersion: version, kind: 'SelfSubjectRulesReview', spec: { namespace } }
  const until = performance.now() + longestMs
  try {
    while (performance.now() < until) {
      const { status, body } = await api.send('POST', `/apis/${version}/selfsubjectrulesreviews`, review)
      if (status !== 403 && (status !== 201 || hasRights(body))) return
      await pause(pauseMs)
    }
  } catch {
    // It has just answered; if it does not now, the next command says so.
  } finally {
    api.close()
  }
}

/** Everybody may ask about themselves (the ClusterRole system:basic-user). */
function hasRights(body: unknown): boolean {
  const { status } = (body ?? {}) as { status?: { resourceRules?: { resources?: string[] }[] } }
  const rules = status?.resourceRules ?? []
  return rules.some(({ resources = [] }) => resources.some((one) => !one.startsWith('selfsubject')))
}
