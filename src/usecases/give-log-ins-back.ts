import type { EjectReport } from '../protocol/reports.ts'
import type { AbsorbSecrets } from './absorb-secrets.ts'
import type { Journal, Kubeconfigs } from './ports.ts'

interface Deps {
  readonly journal: Journal
  readonly kubeconfigs: Pick<Kubeconfigs, 'giveBack'>
  readonly absorb: Pick<AbsorbSecrets, 'ejecting'>
}

/** Puts users back as they were before a policy's factor did their log-in; they are left alone from then on. */
export async function giveLogInsBack(
  { journal, kubeconfigs, absorb }: Deps,
  job: Parameters<Kubeconfigs['giveBack']>[0],
): Promise<EjectReport> {
  if (job.dryRun) return kubeconfigs.giveBack(job)
  const ejecting = absorb.ejecting()
  try {
    const report = await kubeconfigs.giveBack(job)
    ejecting.note(report.ejected)
    for (const [policy, users] of Map.groupBy(report.ejected, (user) => user.policy))
      journal.recordDurably({ event: 'ejected', policy, details: { count: users.length } })
    return report
  } finally {
    ejecting.end()
  }
}
