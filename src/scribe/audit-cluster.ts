import { scalarText } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { ClusterEntry, Kubeconfig } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { placeOf } from './audit-user.ts'
import type { FindingList } from './finding-list.ts'

/** What a cluster entry gives away of the credentials that are sent to it. */
export function auditCluster(config: Kubeconfig, cluster: ClusterEntry, findings: FindingList): void {
  const at = (field: string) => placeOf(config, cluster.fields.get(field)?.offset ?? cluster.offset)
  if (textOf(cluster, 'insecure-skip-tls-verify') === 'true') {
    const message = `cluster ${cluster.name}: its certificate is not checked`
    findings.add('insecure-skip-tls-verify', message, at('insecure-skip-tls-verify'))
  }
  if (/^http:/i.test(textOf(cluster, 'server'))) {
    const message = `cluster ${cluster.name}: plain http, everything said to it can be read and changed on the way`
    findings.add('plain-http', message, at('server'))
  }
  for (const field of ['server', 'proxy-url']) {
    if (!hasPassword(textOf(cluster, field))) continue
    findings.add('password-in-url', `cluster ${cluster.name}: ${field} holds a password`, at(field))
  }
}

const textOf = (cluster: ClusterEntry, field: string): string => scalarText(cluster.fields.get(field))

function hasPassword(url: string): boolean {
  return URL.canParse(url) && new URL(url).password !== ''
}
