import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import type { CredentialKind, VaultCatalogue } from '../usecases/ports.ts'
import { readOwnFile } from './own-files.ts'

/** What a vault holds, in names that are no secret: `catalogue.json` beside it. */

export interface CatalogueEntry {
  readonly id: string
  readonly file: string
  readonly user: string
  readonly contexts: readonly string[]
  readonly kind: CredentialKind
  /** The wrapped exec plugin, as domain/exec-plugins.ts names it. */
  readonly plugin?: string | undefined
  readonly adoptedAtMs: number
  readonly expiresAtMs?: number | undefined
}

const catalogueSchema = v.object({
  version: v.literal(1),
  credentials: v.array(
    v.object({
      id: v.string(),
      file: v.string(),
      user: v.string(),
      contexts: v.array(v.string()),
      kind: v.picklist(['token', 'client-certificate', 'token-and-client-certificate', 'exec-plugin']),
      plugin: v.optional(v.string()),
      adoptedAtMs: v.number(),
      expiresAtMs: v.optional(v.number()),
    }),
  ),
})

const mostBytes = 16 * 1024 * 1024

/** @returns none where there is no catalogue, or one that can't be read: the next unlock writes it anew. */
export function readCatalogue(path: string): readonly CatalogueEntry[] {
  try {
    const bytes = readOwnFile(path, mostBytes)
    return bytes === undefined ? [] : v.parse(catalogueSchema, JSON.parse(bytes.toString())).credentials
  } catch {
    return []
  }
}

export function formatCatalogue(credentials: readonly CatalogueEntry[]): string {
  return `${JSON.stringify({ version: 1, credentials }, undefined, 2)}\n`
}

export interface DetailedCatalogue extends VaultCatalogue {
  /** All that is known without opening the vault. */
  entries(policy: string): readonly CatalogueEntry[]
}

/**
 * Reads the catalogues below a folder of vaults, again only when a file has changed.
 *
 * @param vaultsDir `state/vaults`
 */
export function createVaultCatalogue(vaultsDir: string): DetailedCatalogue {
  const seen = new Map<string, { stamp: string; entries: readonly CatalogueEntry[] }>()
  const entries = (policy: string): readonly CatalogueEntry[] => {
    const path = join(vaultsDir, policy, 'catalogue.json')
    const stamp = stampOf(path)
    const known = seen.get(policy)
    if (known?.stamp === stamp) return known.entries
    const read = readCatalogue(path)
    seen.set(policy, { stamp, entries: read })
    return read
  }
  const has = (policy: string): boolean => exists(join(vaultsDir, policy, 'identity.age'))
  const policies = (): string[] => folderNames(vaultsDir).filter((name) => !name.startsWith('.') && has(name))
  return {
    policies,
    has,
    entries,
    files: () => [...new Set(policies().flatMap((policy) => entries(policy).map(({ file }) => file)))],
    pending: (policy) => {
      const openedAtMs = writtenAtMs(join(vaultsDir, policy, 'vault.age'))
      return entries(policy)
        .filter(({ adoptedAtMs }) => adoptedAtMs >= openedAtMs)
        .map(({ user, file, adoptedAtMs }) => ({ user, file, sealedAtMs: adoptedAtMs }))
    },
    wrapped: (policy) =>
      entries(policy).flatMap(({ user, plugin }) => (plugin === undefined ? [] : [{ user, plugin }])),
    kind: (policy, credential) => entries(policy).find(({ id }) => id === credential)?.kind,
    credentials: (policy) => entries(policy).map(({ id }) => id),
    contexts: (policy, credential) => entries(policy).find(({ id }) => id === credential)?.contexts ?? [],
  }
}

/** An unlock that merges what was sealed meanwhile writes the vault anew. */
function writtenAtMs(path: string): number {
  try {
    return Math.floor(statSync(path).mtimeMs)
  } catch {
    return 0
  }
}

function stampOf(path: string): string {
  try {
    const facts = statSync(path, { bigint: true, throwIfNoEntry: false })
    return facts === undefined ? '' : `${facts.ino} ${facts.size} ${facts.mtimeNs} ${facts.ctimeNs}`
  } catch {
    return ''
  }
}

/**
 * What can't be looked at (a closed folder, a circle of links) counts as there: whoever needs it fails with
 * the reason, and no other vault's session is held up by it, least of all its lock.
 */
function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
  } catch {
    return true
  }
}

function folderNames(path: string): string[] {
  try {
    return readdirSync(path).toSorted()
  } catch {
    return []
  }
}
