import { policyOfTrace } from '../domain/trace-id.ts'
import { accountHome, dirs, places } from '../platform/dirs.ts'
import { clearLeftBehind } from '../platform/kubeconfig/clear-left-behind.ts'
import type { SweepJob } from '../platform/scribes/job.ts'
import { readTrace, removeTrace, withTraces, writeTrace } from '../platform/traces.ts'
import type { Trace } from '../platform/traces.ts'
import { createVaultCatalogue } from '../platform/vault-catalogue.ts'
import type { SweepReport } from '../protocol/reports.ts'
import { wipeCaches } from './wipe-caches.ts'
import { wipeMaterialised } from './wipe-materialised.ts'

/** A report has to fit a message. */
const mostNamed = 1_000

/**
 * Job `sweep`: what a killed run of ours left behind, restore's plain text among it; token caches; and what
 * sessions that are over had on disk. A trace goes when all that it names is gone; the commands in it are handed
 * over to whoever asked, and are not in what stays: they are never run twice.
 */
export async function sweep(job: SweepJob): Promise<SweepReport> {
  const removed = job.paths.flatMap(clearLeftBehind)
  if (job.traces.length === 0 && job.places.length === 0)
    return { removed, wiped: [], wipedFiles: 0, unmaterialised: [], failures: [], commands: [] }
  const found = dirs()
  return withTraces(places.traces(found), async () => {
    const folder = places.traces(found)
    const traces = job.traces.flatMap((id) => readTrace(folder, id) ?? [])
    const wanted = [...new Set([...job.places, ...traces.flatMap((trace) => trace.places)])]
    const kept = [
      ...Object.values(found),
      ...createVaultCatalogue(places.vaults(found)).files(),
      ...job.paths,
    ]
    const users = await wipeMaterialised(traces.flatMap(({ materialised }) => materialised))
    const caches = wipeCaches(accountHome(), wanted, kept)
    closeTraces(folder, job.traces, {
      places: caches.failures.length === 0 ? [] : wanted,
      materialised: users.left,
    })
    const commands = traces.flatMap(({ policy, onLock }) => onLock.map((command) => ({ policy, command })))
    return {
      removed,
      wiped: caches.files.slice(0, mostNamed),
      wipedFiles: caches.files.length,
      unmaterialised: users.unmaterialised.slice(0, mostNamed),
      failures: [...users.failures, ...caches.failures],
      commands,
    }
  })
}

/** What could not be wiped is tried again at the next lock or start: one trace says so. */
function closeTraces(
  folder: string,
  ids: readonly string[],
  left: Pick<Trace, 'places' | 'materialised'>,
): void {
  const [first] = ids
  const isLeft = left.places.length + left.materialised.length > 0
  if (first !== undefined && isLeft)
    writeTrace(folder, first, { policy: policyOfTrace(first), ...left, onLock: [], isClosed: true })
  for (const id of isLeft ? ids.slice(1) : ids) removeTrace(folder, id)
}
