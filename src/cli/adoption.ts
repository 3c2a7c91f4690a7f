import { callDaemon } from '../client/call.ts'
import type { AdoptReport } from '../protocol/reports.ts'
import { noteKubeconfigs } from './before.ts'

/** @throws GuardError `kubeconfig-invalid`, `kubeconfig-busy`, … */
export async function requestAdoption(
  paths: readonly string[],
  users: readonly string[],
  dryRun: boolean,
): Promise<AdoptReport> {
  if (!dryRun) await noteKubeconfigs(paths)
  const { report } = await callDaemon('kubeconfig.adopt', {
    paths: paths.map((path) => Buffer.from(path)),
    users: [...users],
    dryRun,
  })
  return report as AdoptReport
}

/** How many users a sentence speaks of. */
export const countUsers = (count: number): string => `${count} ${count === 1 ? 'user' : 'users'}`
