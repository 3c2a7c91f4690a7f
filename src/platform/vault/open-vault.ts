import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { GuardError } from '../../domain/errors.ts'
import { checkOwnFolder, readOwnFile, removeOwnFile, writeOwnFile } from '../own-files.ts'
import { writeCatalogue } from './catalogue.ts'
import { openDocument, sealDocument } from './document.ts'
import type { PolicyKey } from './identity.ts'
import type { VaultItem } from './item.ts'
import { withVaultsLocked } from './lock-vaults.ts'
import { readPending } from './pending.ts'
import { vaultPlaces } from './places.ts'
import type { VaultPlaces } from './places.ts'
import { openKey, readSealedKey } from './recovery.ts'
import type { ProofKind } from './recovery.ts'
import { finishRewrap } from './rewrap.ts'

export interface OpenVault {
  readonly policy: string
  readonly key: PolicyKey
  readonly items: readonly VaultItem[]
  /** What was sealed while locked and is in the vault now. */
  readonly merged: readonly VaultItem[]
  /** Files in `pending/` that this key does not open; they stay there under another name. */
  readonly setAside: readonly string[]
}

/** A vault of thousands of credentials is far below this. */
const vaultBytes = 64 * 1024 * 1024

/**
 * Opens a policy's vault and merges what was sealed while it was locked.
 *
 * @param vaultsDir `state/vaults`
 * @param secret the passphrase, or the recovery key; the caller's buffer: it is neither kept nor wiped here
 * @throws GuardError vault-missing, wrong-passphrase, recovery-missing, wrong-recovery-key, vault-damaged, vault-newer, recipient-changed,
 *   vault-busy, disk-full, place-unsafe; whatever is thrown, nothing is lost
 */
export async function openVault(
  vaultsDir: string,
  policy: string,
  secret: Buffer,
  by: ProofKind = 'passphrase',
): Promise<OpenVault> {
  const places = vaultPlaces(vaultsDir, policy)
  const sealed = await withVaultsLocked(vaultsDir, async () => {
    finishRewrap(vaultsDir)
    return readKeyFile(places, policy, by)
  })
  // The costly part runs unlocked: a new passphrase changes the file around the key, never the key.
  const key = await openKey(sealed, { by, secret }, policy)
  return withVaultsLocked(vaultsDir, () => openAndMerge(places, policy, key))
}

/**
 * Looks again at a vault that is open: what was sealed since is merged.
 *
 * @throws GuardError as openVault
 */
export async function refreshVault(
  vaultsDir: string,
  { policy, key }: Pick<OpenVault, 'policy' | 'key'>,
): Promise<OpenVault> {
  return withVaultsLocked(vaultsDir, () => openAndMerge(vaultPlaces(vaultsDir, policy), policy, key))
}

function readKeyFile(places: VaultPlaces, policy: string, by: ProofKind): Buffer {
  const missing = new GuardError('vault-missing', `there is no vault for ${policy}`)
  try {
    checkOwnFolder(places.folder)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? missing : error
  }
  return readSealedKey(places, policy, by)
}

/**
 * Takes items out of a vault, durably. One that was replaced since it was read stays.
 *
 * @throws GuardError as openVault
 */
export async function removeItems(
  vaultsDir: string,
  vault: Pick<OpenVault, 'policy' | 'key'>,
  gone: readonly VaultItem[],
): Promise<void> {
  const places = vaultPlaces(vaultsDir, vault.policy)
  await withVaultsLocked(vaultsDir, async () => {
    const { items } = await openAndMerge(places, vault.policy, vault.key)
    const isGone = (item: VaultItem) =>
      gone.some(({ id, adoptedAtMs }) => id === item.id && adoptedAtMs === item.adoptedAtMs)
    await writeVault(
      places,
      vault,
      items.filter((item) => !isGone(item)),
    )
  })
}

async function openAndMerge(places: VaultPlaces, policy: string, key: PolicyKey): Promise<OpenVault> {
  removeStrayFiles(places)
  const kept = await readVault(places, policy, key)
  checkRecipient(places, policy, key)
  const { items: merged, files, setAside } = await readPending(places, policy, key)
  const items = [...kept.filter(({ id }) => !merged.some((item) => item.id === id)), ...merged]
  if (files.length > 0) await writeVault(places, { policy, key }, items)
  else writeCatalogue(places, items)
  // Only now: the merged vault is durable.
  for (const file of files) removeOwnFile(file)
  return { policy, key, items, merged, setAside }
}

async function readVault(places: VaultPlaces, policy: string, key: PolicyKey): Promise<VaultItem[]> {
  const sealed = readOwnFile(places.vault, vaultBytes)
  if (sealed === undefined)
    throw new GuardError('vault-damaged', `the vault of ${policy} has lost its file vault.age`)
  return openDocument(sealed, key.identity, policy)
}

async function writeVault(
  places: VaultPlaces,
  { policy, key }: Pick<OpenVault, 'policy' | 'key'>,
  items: readonly VaultItem[],
): Promise<void> {
  writeOwnFile(places.vault, await sealDocument(policy, items, key.recipient))
  writeCatalogue(places, items)
}

/** A recipient that is lost is written anew; one that is another's has had secrets sealed to it. */
function checkRecipient(places: VaultPlaces, policy: string, key: PolicyKey): void {
  const recipient = readOwnFile(places.recipient, 4096)
  if (recipient === undefined) writeOwnFile(places.recipient, `${key.recipient}\n`)
  else if (recipient.toString().trim() !== key.recipient) {
    throw new GuardError(
      'recipient-changed',
      `someone changed ${places.recipient}: what ${policy} adopted since was sealed to another key`,
    )
  }
}

/** Temporary files of a writer that was killed: whoever holds the lock is the only writer. */
function removeStrayFiles(places: VaultPlaces): void {
  for (const folder of [places.folder, places.pending]) {
    for (const name of namesIn(folder)) {
      if (name.startsWith('.') && name.endsWith('.tmp')) removeOwnFile(join(folder, name))
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
