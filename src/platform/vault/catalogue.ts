import { writeOwnFile } from '../own-files.ts'
import { formatCatalogue, readCatalogue } from '../vault-catalogue.ts'
import type { CatalogueEntry } from '../vault-catalogue.ts'
import { kindOf } from './item.ts'
import type { VaultItem } from './item.ts'
import type { VaultPlaces } from './places.ts'

/** Writes what the vault holds now, in names, where that is news. @throws GuardError disk-full, place-unsafe */
export function writeCatalogue(places: VaultPlaces, items: readonly VaultItem[]): void {
  const text = formatCatalogue(items.map(entryOf))
  if (text !== formatCatalogue(readCatalogue(places.catalogue))) writeOwnFile(places.catalogue, text)
}

/** Adds or replaces one credential. @throws GuardError disk-full, place-unsafe */
export function addToCatalogue(places: VaultPlaces, item: VaultItem): void {
  const others = readCatalogue(places.catalogue).filter(({ id }) => id !== item.id)
  writeOwnFile(places.catalogue, formatCatalogue([...others, entryOf(item)]))
}

const entryOf = (item: VaultItem): CatalogueEntry => ({
  id: item.id,
  file: item.file,
  user: item.user,
  contexts: item.contexts,
  kind: kindOf(item),
  adoptedAtMs: item.adoptedAtMs,
  expiresAtMs: item.expiresAtMs,
})
