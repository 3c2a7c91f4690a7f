import type { FactorRules } from '../../domain/factor.ts'

/** What opens the vault; it has no settings. */
export const passphraseRules: FactorRules = {
  name: 'passphrase',
  role: 'opens',
  read: () => ({ factor: 'passphrase' }),
  describe: () => 'passphrase',
}
