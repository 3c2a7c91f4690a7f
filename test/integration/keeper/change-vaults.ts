/** One change to vaults, to be killed or starved of disk: `create|merge|rewrap VAULTS_DIR`. */
import { GuardError } from '../../../src/domain/errors.ts'
import { createVaults } from '../../../src/platform/vault/create-vault.ts'
import { openVault } from '../../../src/platform/vault/open-vault.ts'
import { rewrapVaults } from '../../../src/platform/vault/rewrap.ts'

const [change, vaultsDir = ''] = process.argv.slice(2)
const passphrase = Buffer.from('old one')
const newPassphrase = Buffer.from('new one')
const changes: Record<string, () => Promise<unknown>> = {
  create: () => createVaults({ vaultsDir, policies: ['prod', 'default', 'third'], passphrase, logN: 12 }),
  merge: () => openVault(vaultsDir, 'prod', passphrase),
  rewrap: () => rewrapVaults({ vaultsDir, passphrase, newPassphrase, logN: 12 }),
}

try {
  await changes[change as string]?.()
} catch (error) {
  process.stderr.write(`${error instanceof GuardError ? error.code : String(error)}\n`)
  process.exitCode = 3
}
