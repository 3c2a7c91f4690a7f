import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { GuardError } from '../../domain/errors.ts'
import { readOwnFile, removeOwnFile, syncFolder, writeOwnFile } from '../own-files.ts'
import { createVaultCatalogue } from '../vault-catalogue.ts'
import { openIdentity, sealIdentity } from './identity.ts'
import type { PolicyKey } from './identity.ts'
import { withVaultsLocked } from './lock-vaults.ts'
import { isPolicyName, vaultPlaces } from './places.ts'
import { calibrateLogN } from './scrypt-stanza.ts'

/**
 * A new passphrase for every vault, or for none:
 *
 * 1. each identity, sealed anew, is written beside the old one as `identity.age.next`;
 * 2. the commit marker that lists them is written: from here on the new passphrase is the one;
 * 3. the new files are renamed over the old ones, and the marker is removed.
 *
 * A crash before step 2 leaves the old passphrase, one after it is made good by whoever comes next.
 */
export interface Rewrap {
  /** `state/vaults` */
  readonly vaultsDir: string
  /** The caller's buffers: neither kept nor wiped here. */
  readonly passphrase: Buffer
  readonly newPassphrase: Buffer
  /** log2 of scrypt's N; calibrated where it is not given. */
  readonly logN?: number
}

const markerSchema = v.object({
  version: v.literal(1),
  policies: v.array(v.pipe(v.string(), v.check(isPolicyName))),
})

const markerPath = (vaultsDir: string): string => join(vaultsDir, '.rewrap-commit')

/**
 * @returns the policies whose vaults have the new passphrase: all there are
 * @throws GuardError wrong-passphrase, vault-damaged, vault-newer, vault-missing, vault-busy, disk-full, usage;
 *   the old passphrase holds then
 */
export async function rewrapVaults(order: Rewrap): Promise<string[]> {
  if (order.newPassphrase.length === 0) throw new GuardError('usage', 'the new passphrase is empty')
  return withVaultsLocked(order.vaultsDir, async () => {
    finishRewrap(order.vaultsDir)
    const policies = [...createVaultCatalogue(order.vaultsDir).policies()]
    if (policies.length === 0) throw new GuardError('vault-missing', 'there is no vault yet')
    const keys = await openAll(order, policies)
    try {
      await writeNext(order, keys)
      writeOwnFile(markerPath(order.vaultsDir), JSON.stringify({ version: 1, policies }))
    } catch (error) {
      removeOwnFile(markerPath(order.vaultsDir))
      dropNext(order.vaultsDir)
      throw error
    }
    completeIfPossible(order.vaultsDir)
    return policies
  })
}

/** Completes or drops a passphrase change that a crash cut short. @throws GuardError vault-busy, vault-damaged */
export async function recoverRewrap(vaultsDir: string): Promise<void> {
  await withVaultsLocked(vaultsDir, async () => finishRewrap(vaultsDir))
}

/** As recoverRewrap, for a caller that holds the lock. */
export function finishRewrap(vaultsDir: string): void {
  const committed = readMarker(vaultsDir)
  if (committed === undefined) return dropNext(vaultsDir)
  for (const policy of committed) putInPlace(vaultsDir, policy)
  removeOwnFile(markerPath(vaultsDir))
}

/** Committed: the new passphrase holds, and what can't be done now is done by whoever comes next. */
function completeIfPossible(vaultsDir: string): void {
  try {
    finishRewrap(vaultsDir)
  } catch {
    // The next to take the lock tries again, and says what is wrong.
  }
}

function readMarker(vaultsDir: string): string[] | undefined {
  const bytes = readOwnFile(markerPath(vaultsDir), 1024 * 1024)
  if (bytes === undefined) return undefined
  try {
    return v.parse(markerSchema, JSON.parse(bytes.toString())).policies
  } catch {
    throw new GuardError('vault-damaged', `${markerPath(vaultsDir)} is damaged`)
  }
}

function putInPlace(vaultsDir: string, policy: string): void {
  const { folder, identity, nextIdentity } = vaultPlaces(vaultsDir, policy)
  if (!existsSync(folder)) return
  try {
    renameSync(nextIdentity, identity)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  // Also where the crash came after the rename: it may not have been durable yet.
  syncFolder(folder)
}

function dropNext(vaultsDir: string): void {
  for (const policy of createVaultCatalogue(vaultsDir).policies()) {
    removeOwnFile(vaultPlaces(vaultsDir, policy).nextIdentity)
  }
}

async function openAll(order: Rewrap, policies: readonly string[]): Promise<Map<string, PolicyKey>> {
  const keys = new Map<string, PolicyKey>()
  for (const policy of policies) {
    const sealed = readOwnFile(vaultPlaces(order.vaultsDir, policy).identity, 64 * 1024)
    if (sealed === undefined) throw new GuardError('vault-missing', `there is no vault for ${policy}`)
    keys.set(policy, await openIdentity(sealed, order.passphrase, policy))
  }
  return keys
}

async function writeNext(order: Rewrap, keys: ReadonlyMap<string, PolicyKey>): Promise<void> {
  const logN = order.logN ?? calibrateLogN()
  for (const [policy, { identity }] of keys) {
    writeOwnFile(
      vaultPlaces(order.vaultsDir, policy).nextIdentity,
      await sealIdentity(identity, order.newPassphrase, logN),
    )
  }
}
