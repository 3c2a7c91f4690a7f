import { setTimeout as pause } from 'node:timers/promises'
import { ClusterUnreachable } from './cluster-api.ts'
import type { ClusterApi } from './cluster-api.ts'

/** Gone already is as good. */
const isDone = (status: number): boolean => (status >= 200 && status < 300) || status === 404

/**
 * Why it could not be deleted. `refused`: we are not known any more (401), or may not (403): both also for a moment after
 * the rights were given, since an API server learns of them a little later.
 */
export type EndingFailure = 'unreachable' | 'refused' | 'failed'

/**
 * Deletes what the steps name, one step after the other. What fails stops no other step but the last: that takes our own
 * rights along, so it waits until nothing else is left.
 *
 * @returns undefined when all of it is gone; else why not
 */
export async function endSession(
  api: ClusterApi,
  steps: readonly (readonly string[])[],
): Promise<EndingFailure | undefined> {
  let failed: EndingFailure | undefined
  for (const [index, paths] of steps.entries()) {
    if (failed !== undefined && index === steps.length - 1) break
    const failures = await Promise.all(paths.map((path) => remove(api, path)))
    failed ??= failures.find((failure) => failure !== undefined)
    if (failed === 'unreachable') break
  }
  return failed
}

async function remove(api: ClusterApi, path: string): Promise<EndingFailure | undefined> {
  try {
    const { status } = await api.send('DELETE', path)
    if (isDone(status)) return undefined
    return status === 401 || status === 403 ? 'refused' : 'failed'
  } catch (error) {
    if (error instanceof ClusterUnreachable) return 'unreachable'
    throw error
  }
}

const firstPauseMs = 100
const longestPauseMs = 5_000
/** Refused for so long: it is not for lag. Somebody has deleted what gave us the right, and so the session, too. */
const refusedMs = 30_000

/**
 * As `endSession`, again and again, until it is done, refused for good, or the time is over.
 * @param untilMs wall-clock ms: from then on the session's token is dead by itself
 */
export async function endSessionFor(
  api: ClusterApi,
  steps: readonly (readonly string[])[],
  untilMs: number,
): Promise<EndingFailure | undefined> {
  let pauseMs = firstPauseMs
  let refusedSince: number | undefined
  for (;;) {
    const failure = await endSession(api, steps)
    if (failure === undefined) return undefined
    const now = performance.now()
    refusedSince = failure === 'refused' ? (refusedSince ?? now) : undefined
    const isRefused = refusedSince !== undefined && now - refusedSince > refusedMs
    if (isRefused || Date.now() + pauseMs > untilMs) return failure
    await pause(pauseMs)
    pauseMs = Math.min(longestPauseMs, pauseMs * 2)
  }
}
