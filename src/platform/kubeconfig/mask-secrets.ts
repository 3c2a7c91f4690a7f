import { isCollection, isPair, isScalar, visit } from 'yaml'
import type { Node } from 'yaml'
import { namedCredential } from './exec-entry.ts'
import { nodeValue } from './parse-kubeconfig.ts'
import type { Kubeconfig, UserEntry } from './parse-kubeconfig.ts'
import { applySplices } from './splice.ts'
import type { Splice } from './splice.ts'

/** Names that say what a user is and how it is found, but hold nothing that proves it. */
const shown = new Set([
  'tokenFile',
  'client-certificate',
  'client-key',
  'username',
  'as',
  'as-uid',
  'as-groups',
])

/** The text with everything that may be a secret of a user replaced by `***`: for people's eyes. */
export function maskSecrets(config: Kubeconfig): string {
  const splices = new Map<number, Splice>()
  for (const user of config.users) {
    for (const node of maskedNodes(config, user)) {
      visit(node, (_, found) => {
        if (!isScalar(found) || found.value === null || found.range == null) return undefined
        const [from, to] = found.range
        const lineEnd = config.text[to - 1] === '\n' ? '\n' : ''
        splices.set(from, { from, to, text: `***${lineEnd}` })
        return undefined
      })
    }
  }
  return applySplices(config.text, [...splices.values()])
}

function maskedNodes(config: Kubeconfig, user: UserEntry): Node[] {
  return [...user.fields].flatMap(([name, { node }]) => {
    if (shown.has(name)) return []
    const ours = name === 'exec' && namedCredential(nodeValue(config, node)) !== undefined
    return ours ? [] : valuesOf(node)
  })
}

/** Keys stay readable, values do not. */
function valuesOf(node: Node): Node[] {
  if (!isCollection(node)) return [node]
  return node.items.flatMap((item) => {
    const value = isPair(item) ? item.value : item
    return value === null || value === undefined ? [] : valuesOf(value as Node)
  })
}
