import { callDaemon } from '../client/call.ts'
import type { AdoptReport } from '../protocol/reports.ts'

/**
 * @param unlessLogIns change nothing where a log-in could be taken over
 * @throws GuardError `kubeconfig-invalid`, `kubeconfig-busy`, …
 */
export async function requestAdoption(
  paths: readonly string[],
  users: readonly string[],
  dryRun: boolean,
  unlessLogIns = false,
): Promise<AdoptReport> {
  const { report } = await callDaemon('kubeconfig.adopt', {
    paths: paths.map((path) => Buffer.from(path)),
    users: [...users],
    dryRun,
    unlessLogIns,
  })
  return report as AdoptReport
}

/** How many users a sentence speaks of. */
export const countUsers = (count: number): string => `${count} ${count === 1 ? 'user' : 'users'}`
