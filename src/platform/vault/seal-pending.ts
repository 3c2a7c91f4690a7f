import { existsSync } from 'node:fs'
import { GuardError } from '../../domain/errors.ts'
import { checkOwnFolder, makeOwnFolder, readOwnFile, writeOwnFile } from '../own-files.ts'
import { addToCatalogue } from './catalogue.ts'
import { sealDocument, sealItem } from './document.ts'
import type { VaultItem } from './item.ts'
import { withVaultsLocked } from './lock-vaults.ts'
import { batchPlace, pendingPlace, vaultPlaces } from './places.ts'
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
  await sealOf(vaultsDir, item.policy, [item])
}

/**
 * Seals many items at once, those of one policy into one file: sealing and syncing each by itself would
 * take seconds for a thousand. As sealPending otherwise.
 */
export async function sealAllPending(vaultsDir: string, items: readonly VaultItem[]): Promise<void> {
  const byPolicy = Map.groupBy(items, ({ policy }) => policy)
  for (const [policy, own] of byPolicy) await sealOf(vaultsDir, policy, own)
}

async function sealOf(vaultsDir: string, policy: string, items: readonly VaultItem[]): Promise<void> {
  const places = vaultPlaces(vaultsDir, policy)
  const [item, ...more] = items
  if (item === undefined) return
  const path = more.length === 0 ? pendingPlace(places, item.id) : undefined
  // The lock keeps an unlock from deleting, as merged, a file that has just been replaced.
  await withVaultsLocked(vaultsDir, async () => {
    const recipient = readRecipient(places, policy)
    const sealed = await refusingDamage(policy, () =>
      more.length === 0 ? sealItem(item, recipient) : sealDocument(policy, items, recipient),
    )
    makeOwnFolder(places.pending)
    writeOwnFile(path ?? freeBatchPlace(places), sealed)
    addToCatalogue(places, items)
  })
}

/** A batch that waits already can't be opened here, so it is never replaced. */
function freeBatchPlace(places: VaultPlaces): string {
  for (let number = 1; ; number += 1) {
    const path = batchPlace(places, number)
    if (!existsSync(path)) return path
  }
}

/** The public half of a vault’s key. @throws GuardError vault-missing */
export function readRecipient(places: VaultPlaces, policy: string): string {
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

async function refusingDamage(policy: string, seal: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await seal()
  } catch {
    throw new GuardError('vault-damaged', `the recipient file of ${policy}’s vault is damaged`)
  }
}
