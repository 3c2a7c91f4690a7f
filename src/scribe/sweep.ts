import { clearLeftBehind } from '../platform/kubeconfig/clear-left-behind.ts'
import type { SweepJob } from '../platform/scribes/job.ts'
import type { SweepReport } from '../protocol/reports.ts'

/** Job `sweep`: what a killed run of ours left behind, restore's plain text among it. */
export async function sweep({ paths }: SweepJob): Promise<SweepReport> {
  return { removed: paths.flatMap(clearLeftBehind) }
}
