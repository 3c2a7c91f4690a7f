import { GuardError } from '../../domain/errors.ts'
import { checkOwnFolder, makeOwnFolder, readOwnFile, writeOwnFile } from '../own-files.ts'
import { addToCatalogue } from './catalogue.ts'
import { sealItem } from './document.ts'
import type { VaultItem } from './item.ts'
import { withVaultsLocked } from './lock-vaults.ts'
import { pendingPlace, vaultPlaces } from './places.ts'
import type { VaultPlaces } from './places.ts'

const recipientBytes = 4096

/**
 * Seals an item to its policy's recipient, which needs no passphrase. It survives a power cut once this
 * resolves; the next unlock merges it, in place of an item with the same id.
 *
 * @param vaultsDir `state/vaults`
 * @throws GuardError vault-missing, vault-damaged, vault-busy, disk-full, place-unsafe
 */
export async function sealPending(vaultsDir: string, item: VaultItem): Promise<void> {
  const places = vaultPlaces(vaultsDir, item.policy)
  const path = pendingPlace(places, item.id)
  // The lock keeps an unlock from deleting, as merged, a file that has just been replaced.
  await withVaultsLocked(vaultsDir, async () => {
    const sealed = await sealTo(readRecipient(places, item.policy), item)
    makeOwnFolder(places.pending)
    writeOwnFile(path, sealed)
    addToCatalogue(places, item)
  })
}

function readRecipient(places: VaultPlaces, policy: string): string {
  const missing = new GuardError('vault-missing', `there is no vault for ${policy}`)
  try {
    checkOwnFolder(places.folder)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? missing : error
  }
  const recipient = readOwnFile(places.recipient, recipientBytes)
  if (recipient === undefined) throw missing
  return recipient.toString().trim()
}

async function sealTo(recipient: string, item: VaultItem): Promise<Uint8Array> {
  try {
    return await sealItem(item, recipient)
  } catch {
    throw new GuardError('vault-damaged', `the recipient file of ${item.policy}’s vault is damaged`)
  }
}
