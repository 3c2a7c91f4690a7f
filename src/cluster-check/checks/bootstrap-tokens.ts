import { Buffer } from 'node:buffer'
import { needed } from '../cluster.ts'
import type { Cluster } from '../cluster.ts'
import type { Notes } from '../report.ts'
import { aboutHours, dayMs } from '../time.ts'

/** Of each Secret its name, end and use alone leave kubectl; the token does not. */
const onlyEnds = `jsonpath={range .items[*]}{.metadata.name}{" "}{.data.expiration}{" "}{.data['usage-bootstrap-authentication']}{"\\n"}{end}`

/** Kubernetes’ bootstrap tokens: Secrets of kube-system, good without an `expiration` for ever. */
export async function checkBootstrapTokens(cluster: Cluster, notes: Notes, nowMs: number): Promise<void> {
  const selector = ['--field-selector', 'type=bootstrap.kubernetes.io/token']
  const answer = await cluster.kubectl(['get', 'secrets', '-n', 'kube-system', ...selector, '-o', onlyEnds])
  if (!answer.ok) return notes.unseen('bootstrap tokens', needed(answer, 'list on secrets in kube-system'))
  for (const line of answer.text.split('\n').filter((each) => each !== '')) {
    const [name = '', expiration = '', use = ''] = line.split(' ')
    if (fromBase64(use) !== 'true') continue
    const place = { kind: 'secret', namespace: 'kube-system', name }
    const endMs = Date.parse(fromBase64(expiration))
    if (Number.isNaN(endMs)) notes.found('bootstrap-token-endless', place, 'it has no expiration')
    else if (endMs - nowMs > dayMs)
      notes.found('bootstrap-token-long', place, `it ends in ${aboutHours(endMs - nowMs)}`)
  }
}

const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString()
