import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { checkOwnFolder, readOwnFile } from '../own-files.ts'
import { openDocument, openItem } from './document.ts'
import type { PolicyKey } from './identity.ts'
import type { VaultItem } from './item.ts'
import { batchPlace, isCredentialId, pendingPlace, vaultPlaces } from './places.ts'
import type { VaultPlaces } from './places.ts'

export interface Pending {
  readonly items: readonly VaultItem[]
  /** The files they came from: to be removed once the vault that holds them is durable. */
  readonly files: readonly string[]
  readonly setAside: readonly string[]
}

const itemBytes = 4 * 1024 * 1024
/** As many credentials as a vault holds. */
const batchBytes = 64 * 1024 * 1024
const suffix = '.age'

/**
 * Reads what was sealed while locked. A file that is not this policy's, or can't be opened, must not
 * keep anyone out: it is given another name and reported.
 *
 * @throws GuardError place-unsafe when the folder itself is not ours alone
 */
export async function readPending(places: VaultPlaces, policy: string, key: PolicyKey): Promise<Pending> {
  const items = new Map<string, VaultItem>()
  const files: string[] = []
  const setAside: string[] = []
  for (const name of pendingNames(places.pending)) {
    const path = join(places.pending, name)
    const found = name.startsWith('_')
      ? await readBatch(path, policy, key)
      : await readItem(path, policy, key)
    if (found === undefined) setAside.push(putAside(path))
    else {
      files.push(path)
      for (const item of found) if (!isOlder(item, items.get(item.id))) items.set(item.id, item)
    }
  }
  return { items: [...items.values()], files, setAside }
}

/** A credential may wait twice, alone and in a batch: the one adopted last counts. */
const isOlder = (item: VaultItem, than: VaultItem | undefined): boolean =>
  than !== undefined && item.adoptedAtMs < than.adoptedAtMs

/** Was this credential sealed since the vault was opened? */
export function isPending(vaultsDir: string, policy: string, credential: string): boolean {
  const places = vaultPlaces(vaultsDir, policy)
  if (!isCredentialId(credential)) return false
  // What is in a batch can't be told without the key: it counts as news, until it is merged.
  return existsSync(pendingPlace(places, credential)) || existsSync(batchPlace(places, 1))
}

function pendingNames(folder: string): string[] {
  try {
    checkOwnFolder(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .toSorted()
}

async function readItem(path: string, policy: string, key: PolicyKey): Promise<VaultItem[] | undefined> {
  try {
    const sealed = readOwnFile(path, itemBytes)
    const item = sealed === undefined ? undefined : await openItem(sealed, key.identity)
    return item?.policy === policy && `${item.id}${suffix}` === basename(path) ? [item] : undefined
  } catch {
    return undefined
  }
}

async function readBatch(path: string, policy: string, key: PolicyKey): Promise<VaultItem[] | undefined> {
  try {
    const sealed = readOwnFile(path, batchBytes)
    const items = sealed === undefined ? undefined : await openDocument(sealed, key.identity, policy)
    return items?.every((item) => item.policy === policy) === true ? items : undefined
  } catch {
    return undefined
  }
}

/** @returns the new file name, or the old one where it can't be renamed. */
function putAside(path: string): string {
  const aside = `${path}.${randomBytes(4).toString('hex')}.unreadable`
  try {
    renameSync(path, aside)
    return basename(aside)
  } catch {
    return basename(path)
  }
}
