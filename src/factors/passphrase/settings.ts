import type { FactorRules, FactorWords } from '../../domain/factor.ts'

export const passphraseWords: FactorWords = {
  ask: 'ask for the passphrase',
  waiting: 'waiting for the passphrase, asked for on',
  unanswered: 'the passphrase was asked for and not given',
}

/** What opens the vault; it has no settings. */
export const passphraseRules: FactorRules = {
  name: 'passphrase',
  role: 'opens',
  words: passphraseWords,
  read: () => ({ factor: 'passphrase' }),
  describe: () => 'passphrase',
}
