import type { Cluster } from '../cluster.ts'
import type { Notes } from '../report.ts'
import { holdersIn, isAnonymous } from '../bindings.ts'
import type { Bindings } from '../bindings.ts'

/** What Kubernetes itself binds, and kubeadm for machines that join. */
const usual = ['system:public-info-viewer', 'kubeadm:bootstrap-signer-clusterinfo']

/** Discovery: for everybody who is somebody, and for nobody else (since 1.14). */
const probed = '/api'

/** Asked without any credential: 401 is no, 403 is a yes to the anonymous user who may not do this. */
export async function checkAnonymousAccess(
  cluster: Cluster,
  notes: Notes,
  bindings: Bindings,
): Promise<void> {
  for (const needs of [bindings.needs.cluster, bindings.needs.namespaces])
    if (needs !== undefined) notes.unseen('rights of who shows no credential', needs)
  for (const binding of bindings.all) {
    const subjects = holdersIn(binding).filter(isAnonymous)
    if (subjects.length === 0 || usual.includes(binding.name)) continue
    notes.found('anonymous-rights', binding, `${subjects.join(', ')}: ${binding.role}`)
  }
  try {
    const { status } = await cluster.anonymously(probed)
    const place = { kind: 'path', name: probed }
    if (status === 200) notes.found('anonymous-rights', place, 'answered without a credential')
    if (status === 200 || status === 403)
      notes.found('anonymous-access', place, `asked without a credential, answered with ${status}, not 401`)
  } catch (error) {
    notes.unseen('anonymous access', `a way to the API server past kubectl: ${(error as Error).message}`)
  }
}
