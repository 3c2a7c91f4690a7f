import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { GuardError } from '../../domain/errors.ts'
import { readOwnFile, removeOwnFile, syncFolder, writeOwnFile } from '../own-files.ts'
import { createVaultCatalogue } from '../vault-catalogue.ts'
import { sealIdentity } from './identity.ts'
import type { PolicyKey } from './identity.ts'
import { withVaultsLocked } from './lock-vaults.ts'
import { isPolicyName, vaultPlaces } from './places.ts'
import { makeRecoveryKey, openKey, readSealedKey, sealForRecovery } from './recovery.ts'
import type { ProofKind } from './recovery.ts'
import { calibrateLogN } from './scrypt-stanza.ts'

/**
 * A new passphrase for every vault, or for none; and so a new recovery key:
 *
 * 1. each identity, sealed anew, is written beside the old one as `identity.age.next` (and `recovery.age.next`);
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
  /** `recovery`: the recovery key stands in the place of the passphrase. */
  readonly by?: ProofKind
  readonly newPassphrase: Buffer
  /** Make a recovery key; an older one opens nothing any more. */
  readonly withRecoveryKey?: boolean
  /** log2 of scrypt's N; calibrated where it is not given. */
  readonly logN?: number
}

const markerSchema = v.object({
  version: v.literal(1),
  policies: v.array(v.pipe(v.string(), v.check(isPolicyName))),
})

const markerPath = (vaultsDir: string): string => join(vaultsDir, '.rewrap-commit')

export interface Rewrapped {
  /** All there are. */
  readonly policies: string[]
  /** To be shown once: it is kept nowhere. */
  readonly recoveryKey?: string
}

/**
 * @throws GuardError wrong-passphrase, wrong-recovery-key, recovery-missing, vault-damaged, vault-newer, vault-missing, vault-busy, disk-full, usage;
 *   the old passphrase holds then
 */
export async function rewrapVaults(order: Rewrap): Promise<Rewrapped> {
  if (order.newPassphrase.length === 0) throw new GuardError('usage', 'the new passphrase is empty')
  return withVaultsLocked(order.vaultsDir, async () => {
    finishRewrap(order.vaultsDir)
    const policies = [...createVaultCatalogue(order.vaultsDir).policies()]
    if (policies.length === 0) throw new GuardError('vault-missing', 'there is no vault yet')
    const keys = await openAll(order, policies)
    const made = order.withRecoveryKey === true ? await makeRecoveryKey() : undefined
    try {
      await writeNext(order, keys, made?.recipient)
      writeOwnFile(markerPath(order.vaultsDir), JSON.stringify({ version: 1, policies }))
    } catch (error) {
      removeOwnFile(markerPath(order.vaultsDir))
      dropNext(order.vaultsDir)
      throw error
    }
    completeIfPossible(order.vaultsDir)
    return made === undefined ? { policies } : { policies, recoveryKey: made.key }
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
  const { folder, identity, nextIdentity, recovery, nextRecovery } = vaultPlaces(vaultsDir, policy)
  if (!existsSync(folder)) return
  renameIfThere(nextRecovery, recovery)
  renameIfThere(nextIdentity, identity)
  // Also where the crash came after the rename: it may not have been durable yet.
  syncFolder(folder)
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function dropNext(vaultsDir: string): void {
  for (const policy of createVaultCatalogue(vaultsDir).policies()) {
    const { nextIdentity, nextRecovery } = vaultPlaces(vaultsDir, policy)
    removeOwnFile(nextIdentity)
    removeOwnFile(nextRecovery)
  }
}

async function openAll(order: Rewrap, policies: readonly string[]): Promise<Map<string, PolicyKey>> {
  const keys = new Map<string, PolicyKey>()
  const { by = 'passphrase', passphrase: secret } = order
  for (const policy of policies) {
    const sealed = readSealedKey(vaultPlaces(order.vaultsDir, policy), policy, by)
    keys.set(policy, await openKey(sealed, { by, secret }, policy))
  }
  return keys
}

async function writeNext(
  order: Rewrap,
  keys: ReadonlyMap<string, PolicyKey>,
  newRecovery: string | undefined,
): Promise<void> {
  const logN = order.logN ?? calibrateLogN()
  for (const [policy, key] of keys) {
    const { nextIdentity, nextRecovery } = vaultPlaces(order.vaultsDir, policy)
    const recovery = newRecovery ?? key.recovery
    writeOwnFile(nextIdentity, await sealIdentity(key.identity, order.newPassphrase, logN, recovery))
    if (newRecovery !== undefined)
      writeOwnFile(nextRecovery, await sealForRecovery(key.identity, newRecovery))
  }
}
