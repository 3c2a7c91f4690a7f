import { describePlugin } from '../../domain/exec-plugins.ts'
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

/** Adds or replaces credentials. @throws GuardError disk-full, place-unsafe */
export function addToCatalogue(places: VaultPlaces, items: readonly VaultItem[]): void {
  const ids = new Set(items.map(({ id }) => id))
  const others = readCatalogue(places.catalogue).filter(({ id }) => !ids.has(id))
  writeOwnFile(places.catalogue, formatCatalogue([...others, ...items.map(entryOf)]))
}

const entryOf = (item: VaultItem): CatalogueEntry => ({
  id: item.id,
  file: item.file,
  user: item.user,
  contexts: item.contexts,
  kind: kindOf(item),
  ...(item.exec !== undefined && { plugin: describePlugin(item.exec).name }),
  adoptedAtMs: item.adoptedAtMs,
  expiresAtMs: item.expiresAtMs,
})
