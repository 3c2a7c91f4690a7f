import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { checkOwnFolder, readOwnFile } from '../own-files.ts'
import { openItem } from './document.ts'
import type { PolicyKey } from './identity.ts'
import type { VaultItem } from './item.ts'
import { isCredentialId, pendingPlace, vaultPlaces } from './places.ts'
import type { VaultPlaces } from './places.ts'

export interface Pending {
  readonly items: readonly VaultItem[]
  /** The files they came from: to be removed once the vault that holds them is durable. */
  readonly files: readonly string[]
  readonly setAside: readonly string[]
}

const itemBytes = 4 * 1024 * 1024
const suffix = '.age'

/**
 * Reads what was sealed while locked. A file that is not this policy's, or can't be opened, must not
 * keep anyone out: it is given another name and reported.
 *
 * @throws GuardError place-unsafe when the folder itself is not ours alone
 */
export async function readPending(places: VaultPlaces, policy: string, key: PolicyKey): Promise<Pending> {
  const items: VaultItem[] = []
  const files: string[] = []
  const setAside: string[] = []
  for (const name of pendingNames(places.pending)) {
    const path = join(places.pending, name)
    const item = await readItem(path, key)
    if (item !== undefined && item.policy === policy && `${item.id}${suffix}` === name) {
      items.push(item)
      files.push(path)
    } else setAside.push(putAside(path))
  }
  return { items, files, setAside }
}

/** Was this credential sealed since the vault was opened? */
export function isPending(vaultsDir: string, policy: string, credential: string): boolean {
  return isCredentialId(credential) && existsSync(pendingPlace(vaultPlaces(vaultsDir, policy), credential))
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

async function readItem(path: string, key: PolicyKey): Promise<VaultItem | undefined> {
  try {
    const sealed = readOwnFile(path, itemBytes)
    return sealed === undefined ? undefined : await openItem(sealed, key.identity)
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
