import { randomBytes } from 'node:crypto'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { syncFolder } from '../own-files.ts'
import { withVaultsLocked } from './lock-vaults.ts'
import { vaultPlaces } from './places.ts'

/**
 * Removes vaults, each whole or not at all: what is in them is lost. A run that is killed leaves a folder behind that
 * no policy has, which the next one removes.
 *
 * @param vaultsDir `state/vaults`
 * @throws GuardError vault-busy, policy-unknown, place-unsafe
 */
export async function removeVaults(vaultsDir: string, policies: readonly string[]): Promise<void> {
  await withVaultsLocked(vaultsDir, async () => {
    for (const policy of policies) {
      const { folder } = vaultPlaces(vaultsDir, policy)
      if (!existsSync(folder)) continue
      const aside = join(vaultsDir, `.creating-${policy}-${randomBytes(4).toString('hex')}`)
      renameSync(folder, aside)
      syncFolder(vaultsDir)
      rmSync(aside, { recursive: true, force: true })
    }
  })
}
