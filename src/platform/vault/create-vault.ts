import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { GuardError } from '../../domain/errors.ts'
import { readOwnFile, syncFolder, writeOwnFile } from '../own-files.ts'
import { createVaultCatalogue } from '../vault-catalogue.ts'
import { writeCatalogue } from './catalogue.ts'
import { sealDocument } from './document.ts'
import { generateKey, openIdentity, sealIdentity } from './identity.ts'
import { withVaultsLocked } from './lock-vaults.ts'
import { placesIn, vaultPlaces } from './places.ts'
import { sealForRecovery } from './recovery.ts'
import { finishRewrap } from './rewrap.ts'
import { calibrateLogN } from './scrypt-stanza.ts'

export interface CreateVaults {
  /** `state/vaults` */
  readonly vaultsDir: string
  readonly policies: readonly string[]
  /** UTF-8. The caller's buffer: it is neither kept nor wiped here. */
  readonly passphrase: Buffer
  /** log2 of scrypt's N; calibrated where it is not given. */
  readonly logN?: number
}

/** A stray folder of an interrupted creation; see build(). */
const unfinishedPrefix = '.creating-'

/**
 * Makes the vaults that do not exist yet, each whole or not at all. One passphrase opens all vaults of
 * an account: where some exist already it must open them.
 *
 * @returns the policies whose vaults were made
 * @throws GuardError wrong-passphrase, vault-damaged, vault-busy, disk-full, place-unsafe, policy-unknown, usage
 */
export async function createVaults(order: CreateVaults): Promise<string[]> {
  if (order.passphrase.length === 0) throw new GuardError('usage', 'the passphrase is empty')
  return withVaultsLocked(order.vaultsDir, async () => {
    finishRewrap(order.vaultsDir)
    const existing = createVaultCatalogue(order.vaultsDir).policies()
    const missing = order.policies.filter((policy) => !existing.includes(policy))
    const recovery = existing[0] === undefined ? undefined : await recoveryOf(order, existing[0])
    removeUnfinished(order.vaultsDir)
    const logN = missing.length === 0 ? 0 : (order.logN ?? calibrateLogN())
    for (const policy of missing) await createVault(order, policy, { logN, recovery })
    return missing
  })
}

/** @returns the recovery key's public half, where one was made. @throws GuardError wrong-passphrase */
async function recoveryOf(
  { vaultsDir, passphrase }: CreateVaults,
  policy: string,
): Promise<string | undefined> {
  const sealed = readOwnFile(vaultPlaces(vaultsDir, policy).identity, 64 * 1024)
  return sealed === undefined ? undefined : (await openIdentity(sealed, passphrase, policy)).recovery
}

interface Sealing {
  readonly logN: number
  readonly recovery: string | undefined
}

async function createVault(
  { vaultsDir, passphrase }: CreateVaults,
  policy: string,
  sealing: Sealing,
): Promise<void> {
  const { folder } = vaultPlaces(vaultsDir, policy)
  const name = `${unfinishedPrefix}${policy}-${randomBytes(4).toString('hex')}`
  try {
    await build(join(vaultsDir, name), policy, passphrase, sealing)
    renameSync(join(vaultsDir, name), folder)
    syncFolder(vaultsDir)
  } catch (error) {
    rmSync(join(vaultsDir, name), { recursive: true, force: true })
    throw error
  }
}

/** Builds a vault beside its place; the rename makes it exist, so a half-made one is never seen. */
async function build(
  folder: string,
  policy: string,
  passphrase: Buffer,
  { logN, recovery }: Sealing,
): Promise<void> {
  const places = placesIn(folder)
  const { identity, recipient } = await generateKey()
  mkdirSync(folder, { mode: 0o700 })
  mkdirSync(places.pending, { mode: 0o700 })
  writeOwnFile(places.identity, await sealIdentity(identity, passphrase, logN, recovery))
  if (recovery !== undefined) writeOwnFile(places.recovery, await sealForRecovery(identity, recovery))
  writeOwnFile(places.vault, await sealDocument(policy, [], recipient))
  writeCatalogue(places, [])
  writeOwnFile(places.recipient, `${recipient}\n`)
}

function removeUnfinished(vaultsDir: string): void {
  for (const name of readdirSync(vaultsDir)) {
    if (name.startsWith(unfinishedPrefix)) rmSync(join(vaultsDir, name), { recursive: true, force: true })
  }
}
