import type { AdoptReport } from '../protocol/reports.ts'
import type { AbsorbSecrets } from './absorb-secrets.ts'
import type { Adoption, Journal, Kubeconfigs, PolicySource } from './ports.ts'

interface Deps {
  readonly journal: Journal
  readonly kubeconfigs: Kubeconfigs
  readonly policies: PolicySource
  readonly plugin: { command: string; env: Readonly<Record<string, string>> }
  readonly absorb: Pick<AbsorbSecrets, 'adopting'>
}

/** Moves the secrets of kubeconfig users into vaults, through a scribe; `dryRun` only shows it. */
export async function adoptKubeconfig(
  { journal, kubeconfigs, policies, plugin, absorb }: Deps,
  job: { paths: readonly string[]; users: readonly string[]; dryRun: boolean; unlessLogIns?: boolean },
): Promise<AdoptReport> {
  const adopt = (): Promise<Adoption> => kubeconfigs.adopt({ ...job, policies: policies.current(), plugin })
  const { report } = job.dryRun ? await adopt() : await absorb.adopting(job, adopt)
  if (report.dryRun) return report
  journal.recordDurably(
    ...report.adopted.map(({ policy, user, file, credential, kind, strength }) => ({
      event: 'adopted' as const,
      policy,
      details: { user, file, credential, kind, strength },
    })),
  )
  return report
}
