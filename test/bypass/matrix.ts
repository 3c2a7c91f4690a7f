import type { BypassCase } from './bypass-case.ts'
import { familyCases } from './cases/families.ts'
import { fileCases } from './cases/files.ts'
import { heldCases, manySessionsCases } from './cases/held.ts'
import { kubeconfigCases } from './cases/kubeconfig.ts'
import { pluginCases } from './cases/plugin.ts'
import { materialiseCases } from './cases/materialise.ts'
import { leaveCases } from './cases/leave.ts'
import { onLockCases } from './cases/on-lock.ts'
import { organisationCases } from './cases/organisation.ts'
import { presenceCases } from './cases/presence.ts'
import { processCases } from './cases/processes.ts'
import { serviceCases } from './cases/service.ts'
import { streamCases } from './cases/streams.ts'
import { unlockCases } from './cases/unlock.ts'
import { wipeCases } from './cases/wipe.ts'
import { wrappedCases } from './cases/wrapped.ts'

/** Every way around a lock that is tried, in the order of docs/security.md. */
export const matrix: Readonly<Record<string, readonly BypassCase[]>> = {
  'kubeconfig and clients': kubeconfigCases,
  'credential plugin and protocol': pluginCases,
  'wrapped exec plugins': wrappedCases,
  'unlocking': unlockCases,
  'processes of ours': processCases,
  'live streams and holders': [...streamCases, ...familyCases],
  'a service manager': serviceCases,
  'a held session': heldCases,
  'one session open, another locked': manySessionsCases,
  'our files': fileCases,
  'what other tools cached': wipeCases,
  'what a lock runs': onLockCases,
  'what materialize puts on disk': materialiseCases,
  'leaving': leaveCases,
  'the organisation’s rules': organisationCases,
  'passing for a person': presenceCases,
}
