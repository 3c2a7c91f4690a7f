import type { BypassCase } from './bypass-case.ts'
import { ephemeralCases } from './cases/ephemeral.ts'
import { familyCases } from './cases/families.ts'
import { fileCases } from './cases/files.ts'
import { gatewayCases } from './cases/gateway.ts'
import { heldCases, manySessionsCases } from './cases/held.ts'
import { kubeconfigCases } from './cases/kubeconfig.ts'
import { pluginCases } from './cases/plugin.ts'
import { materialiseCases } from './cases/materialise.ts'
import { oidcCases } from './cases/oidc.ts'
import { onLockCases } from './cases/on-lock.ts'
import { misuseCases } from './cases/misuse.ts'
import { leaveCases } from './cases/leave.ts'
import { organisationCases } from './cases/organisation.ts'
import { presenceCases } from './cases/presence.ts'
import { processCases } from './cases/processes.ts'
import { scopeCases } from './cases/scope.ts'
import { serviceCases } from './cases/service.ts'
import { sshAgentCases } from './cases/ssh-agent.ts'
import { streamCases } from './cases/streams.ts'
import { suspendedCases } from './cases/suspended.ts'
import { unlockCases } from './cases/unlock.ts'
import { wipeCases } from './cases/wipe.ts'
import { wrappedCases } from './cases/wrapped.ts'

/** Every way around a lock that is tried, in the order of docs/security.md. */
export const matrix: Readonly<Record<string, readonly BypassCase[]>> = {
  'kubeconfig and clients': kubeconfigCases,
  'credential plugin and protocol': pluginCases,
  'wrapped exec plugins': wrappedCases,
  'a gateway': gatewayCases,
  'unlocking': unlockCases,
  'a log-in at a provider': oidcCases,
  'misuse and recovery': misuseCases,
  'an ssh-agent beside the passphrase': sshAgentCases,
  'processes of ours': processCases,
  'live streams and holders': [...streamCases, ...familyCases],
  'streams that a lock covers': suspendedCases,
  'a service manager': serviceCases,
  'a held session': heldCases,
  'one session open, another locked': manySessionsCases,
  'our files': fileCases,
  'what other tools cached': wipeCases,
  'what a lock runs': onLockCases,
  'what materialize puts on disk': materialiseCases,
  'leaving': leaveCases,
  'the organisation’s rules': organisationCases,
  'a session of one terminal': scopeCases,
  'passing for a person': presenceCases,
}

/** Those that only a real cluster can be attacked by, since it has to end the session: test/cluster. */
export const clusterMatrix: typeof matrix = { 'a session that its cluster ends': ephemeralCases }

const everySecond = (from: 0 | 1): typeof matrix =>
  Object.fromEntries(
    Object.entries(matrix).map(([group, cases]) => [group, cases.filter((_, at) => at % 2 === from)]),
  )

/** Two files of tests run at once: most cases wait for something. */
export const halves = [everySecond(0), everySecond(1)] as const
