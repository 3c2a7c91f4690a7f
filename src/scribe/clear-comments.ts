import { isDeepStrictEqual } from 'node:util'
import { nodeValue, parseKubeconfig } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import { secretTexts } from './find-leftovers.ts'
import { findTexts } from './find-texts.ts'

/**
 * Replaces copies of adopted secrets in comments by `***`: an old token is often kept a line above the
 * new one. Nothing but comments changes, or nothing at all.
 */
export function clearComments(path: string, text: string, items: readonly VaultItem[]): string {
  const all = items.flatMap(secretTexts).map(({ secret }) => secret)
  const secrets = [...findTexts(text, all).keys()]
  if (secrets.length === 0) return text
  const cleared = text
    .split('\n')
    .map((line) => clearLine(line, secrets))
    .join('\n')
  return isDeepStrictEqual(valueOf(path, cleared), valueOf(path, text)) ? cleared : text
}

function clearLine(line: string, secrets: readonly string[]): string {
  const at = line.search(/(^|\s)#/)
  if (at === -1) return line
  return line.slice(0, at) + secrets.reduce((tail, secret) => tail.replaceAll(secret, '***'), line.slice(at))
}

function valueOf(path: string, text: string): unknown {
  const config = parseKubeconfig(path, text)
  const root = config.document.contents
  return root === null ? null : nodeValue(config, root)
}
