import type { VaultItem } from '../platform/vault/item.ts'
import type { LoadedFile } from './load-files.ts'

/** Shorter strings stand in many innocent places. */
const leastSearched = 8

/** What an adopted secret looks like where it is written out. */
export function secretTexts(item: VaultItem): { what: 'token' | 'client key'; secret: string }[] {
  const { fields } = item.original as { fields: Record<string, unknown> }
  const texts = [
    { what: 'token', secret: item.token },
    { what: 'token', secret: fields['token'] },
    { what: 'client key', secret: fields['client-key-data'] },
  ] as const
  return texts.flatMap(({ what, secret }) =>
    typeof secret === 'string' && secret.length >= leastSearched ? [{ what, secret }] : [],
  )
}

/** Where the new text of a file still holds a secret that was taken out, such as a user left out by name. */
export function leftoverAdvice(
  item: VaultItem,
  changes: readonly { readonly file: LoadedFile; readonly text: string }[],
): string[] {
  const found = changes.flatMap(({ file, text }) =>
    secretTexts(item).flatMap(({ what, secret }) => {
      const at = text.indexOf(secret)
      if (at === -1) return []
      const line = text.slice(0, at).split('\n').length
      return [`remove it: line ${line} of ${file.config.path} still holds the ${what}`]
    }),
  )
  return [...new Set(found)]
}
