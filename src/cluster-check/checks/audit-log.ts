import { isSet, needsFlags } from '../control-plane.ts'
import type { Flags, ProgramFlags } from '../control-plane.ts'
import type { Metrics } from '../metrics.ts'
import type { Notes } from '../report.ts'

/** Counted for what a backend was given: stays at 0 where there is none. */
export const auditMetric = 'apiserver_audit_event_total'

const logs = (flags: Flags): boolean =>
  isSet(flags, 'audit-policy-file') &&
  (isSet(flags, 'audit-log-path') || isSet(flags, 'audit-webhook-config-file'))

/** By the flags; where they are not to be seen, by what the API server has counted. */
export function checkAuditLog(notes: Notes, flags: ProgramFlags | undefined, metrics: Metrics): void {
  if (flags !== undefined) {
    if (flags.servers.every(logs)) return
    const why = '--audit-policy-file, and --audit-log-path or --audit-webhook-config-file, are not both set'
    return notes.found('audit-off', { kind: 'flag', name: 'audit-policy-file' }, `${why} (${flags.from})`)
  }
  const events = metrics.samples?.get(auditMetric)
  if (events === undefined) return notes.unseen('audit logging', `${metrics.needs}; or ${needsFlags}`)
  if (events === 0)
    notes.found('audit-off', { kind: 'metric', name: auditMetric }, '0 events since this API server started')
}
