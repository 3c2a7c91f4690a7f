import type { VaultItem } from '../platform/vault/item.ts'
import { findTexts, leastSearched } from './find-texts.ts'
import type { LoadedFile } from './load-files.ts'

/** What an adopted secret looks like where it is written out; shorter ones stand in many innocent places. */
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

/** Where texts of files still hold secrets that were taken out, such as of a user left out by name. */
export class Leftovers {
  readonly #places = new Map<string, string[]>()

  constructor(
    items: readonly VaultItem[],
    changes: readonly { readonly file: LoadedFile; readonly text: string }[],
  ) {
    const secrets = items.flatMap(secretTexts).map(({ secret }) => secret)
    for (const { file, text } of changes) {
      for (const [secret, at] of findTexts(text, secrets)) {
        const line = text.slice(0, at).split('\n').length
        const places = this.#places.get(secret) ?? []
        this.#places.set(secret, [...places, `line ${line} of ${file.config.path}`])
      }
    }
  }

  adviceOn(item: VaultItem): string[] {
    const found = secretTexts(item).flatMap(({ what, secret }) =>
      (this.#places.get(secret) ?? []).map((place) => `remove it: ${place} still holds the ${what}`),
    )
    return [...new Set(found)]
  }
}
