import { callDaemon } from '../client/call.ts'
import type { PolicyReport } from '../protocol/reports.ts'

/** The rules in force, as the daemon goes by them; with a context which of them applies there, and why. */
export async function readPolicies(context?: string): Promise<PolicyReport> {
  const { report } = await callDaemon('policy.read', { context })
  return report as PolicyReport
}
