import { readBindings } from './bindings.ts'
import { checkAnonymousAccess } from './checks/anonymous-access.ts'
import { auditMetric, checkAuditLog } from './checks/audit-log.ts'
import { checkBootstrapTokens } from './checks/bootstrap-tokens.ts'
import { certificateMetrics, checkClientCertificates } from './checks/client-certificates.ts'
import { checkClusterAdmins } from './checks/cluster-admins.ts'
import { checkKubeletStreams } from './checks/kubelet-streams.ts'
import { checkLeakedCredential } from './checks/leaked-credential.ts'
import { checkPodTokens } from './checks/pod-tokens.ts'
import { checkStructuredAuthentication } from './checks/structured-authentication.ts'
import type { Authenticator } from './checks/structured-authentication.ts'
import { checkTokenRequest } from './checks/token-request.ts'
import type { ServiceAccount } from './checks/token-request.ts'
import { checkTokenSecrets } from './checks/token-secrets.ts'
import { whoami } from './cluster.ts'
import type { Cluster } from './cluster.ts'
import { programFlags } from './control-plane.ts'
import { readMetrics } from './metrics.ts'
import { platformOf } from './platform.ts'
import { Notes } from './report.ts'
import type { ClusterReport } from './report.ts'
import type { Platform } from './settings.ts'

export interface CheckOptions {
  /** The API server’s address, for the report. */
  readonly server: string
  /** What it said at /version. */
  readonly version: string
  /** The context’s. */
  readonly namespace: string
  /** Where a person knows better than the version tells. */
  readonly platform?: Platform | undefined
  /** Whose token is asked for, where not our own. */
  readonly tokenOf?: ServiceAccount | undefined
  /** Of the AuthenticationConfiguration that was named. */
  readonly authenticators?: readonly Authenticator[] | undefined
  readonly nowMs: number
}

/** Looks at everything, side by side as far as the way to the cluster lets it. */
export async function checkCluster(cluster: Cluster, options: CheckOptions): Promise<ClusterReport> {
  const { namespace, nowMs } = options
  const notes = new Notes()
  const [me, flags, controllers, metrics, bindings] = await Promise.all([
    whoami(cluster),
    programFlags(cluster, 'kube-apiserver'),
    programFlags(cluster, 'kube-controller-manager'),
    readMetrics(cluster, [auditMetric, ...certificateMetrics]),
    readBindings(cluster),
  ])
  const user = me?.username ?? 'unknown'
  if (me === undefined) notes.unseen('whose credential this is', 'an API server of 1.28 or later')
  checkPodTokens(notes, flags)
  checkStructuredAuthentication(notes, flags, options.authenticators)
  checkAuditLog(notes, flags, metrics)
  await Promise.all([
    checkTokenRequest(cluster, notes, { me, flags, named: options.tokenOf, nowMs }),
    checkTokenSecrets(cluster, notes, namespace),
    checkBootstrapTokens(cluster, notes, nowMs),
    checkAnonymousAccess(cluster, notes, bindings),
    checkClientCertificates(cluster, notes, { me, controllers, metrics }),
    checkKubeletStreams(cluster, notes),
    checkClusterAdmins(cluster, notes, { me, bindings }),
    checkLeakedCredential(cluster, notes, { user, namespace }),
  ])
  const platform = options.platform ?? platformOf(options.version, options.server, flags)
  return notes.report({ user, server: options.server, platform })
}
