import { existsSync } from 'node:fs'
import { GuardError } from '../../domain/errors.ts'
import type { KeeperFactor } from '../../keeper/factor.ts'
import { VaultHoldings } from '../../keeper/holdings.ts'
import { createVaultCatalogue } from '../../platform/vault-catalogue.ts'
import { openVault } from '../../platform/vault/open-vault.ts'
import { vaultPlaces } from '../../platform/vault/places.ts'

/** Opens the policy's vault, by the passphrase or the recovery key. One without a vault has nothing to serve, and opens without a proof. */
export const passphraseFactor: KeeperFactor = {
  async prove(_, { policy, vaultsDir, passphrase, by }) {
    if (!createVaultCatalogue(vaultsDir).has(policy)) return withoutVault(vaultsDir, policy)
    const vault = await openVault(vaultsDir, policy, passphrase, by)
    const merged = vault.merged.map(({ user, file, adoptedAtMs }) => ({
      user,
      file,
      sealedAtMs: adoptedAtMs,
    }))
    return { report: { merged, setAside: vault.setAside }, holdings: new VaultHoldings(vaultsDir, vault) }
  },
}

/** One whose key file is gone does not open so. */
function withoutVault(vaultsDir: string, policy: string): { report: Record<string, never> } {
  if (!existsSync(vaultPlaces(vaultsDir, policy).vault)) return { report: {} }
  throw new GuardError('vault-damaged', `the vault of ${policy} has lost its key file`)
}
