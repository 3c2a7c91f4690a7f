import { needed } from '../cluster.ts'
import type { Cluster } from '../cluster.ts'
import type { Notes } from '../report.ts'

const what = 'service account tokens in Secrets'
const ofType = ['--field-selector', 'type=kubernetes.io/service-account-token']

/** Kubernetes’ own labels (LegacyServiceAccountTokenCleanUp): when it was last used, and since when it is refused. */
const lastUsedLabel = /\bkubernetes\.io\/legacy-token-last-used=([\d-]+)/
const refusedLabel = 'kubernetes.io/legacy-token-invalid-since='

/**
 * A table is asked for, in which the API server itself leaves out what a Secret holds: so no token comes here, nor even
 * into kubectl.
 */
export async function checkTokenSecrets(cluster: Cluster, notes: Notes, namespace: string): Promise<void> {
  const everywhere = await list(cluster, ['-A'])
  if (everywhere.ok) return note(notes, everywhere.text)
  notes.unseen(what, needed(everywhere, 'list on secrets'))
  const here = await list(cluster, ['-n', namespace])
  if (here.ok) note(notes, here.text, namespace)
}

const list = (cluster: Cluster, where: readonly string[]) =>
  cluster.kubectl(['get', 'secrets', ...where, ...ofType, '--no-headers', '--show-labels'])

/** `NAMESPACE NAME TYPE DATA AGE LABELS`, the first with -A alone. */
function note(notes: Notes, table: string, only?: string): void {
  for (const line of table.split('\n').filter((each) => each.trim() !== '')) {
    const cells = line.trim().split(/\s+/)
    const [namespace = '', name = '', , , age = '', labels = ''] =
      only === undefined ? cells : [only, ...cells]
    if (labels.includes(refusedLabel)) continue
    const [, lastUsed] = lastUsedLabel.exec(labels) ?? []
    const used = lastUsed === undefined ? 'never used' : `last used on ${lastUsed}`
    notes.found('token-secret', { kind: 'secret', namespace, name }, `made ${age} ago, ${used}`)
  }
}
