import type { FactorRules, FactorSettings, FactorWords } from '../domain/factor.ts'
import { oidcRules } from './oidc/settings.ts'
import { passphraseRules, passphraseWords } from './passphrase/settings.ts'
import { sshAgentRules } from './ssh-agent/settings.ts'

/** Every factor that a policy may name. */
export const factorRules: readonly FactorRules[] = [passphraseRules, oidcRules, sshAgentRules]

/** @returns undefined for a name that is none */
export function rulesOfFactor(name: string): FactorRules | undefined {
  return factorRules.find((rules) => rules.name === name)
}

/** The one of a policy's factors that what it serves comes of. */
export function openingFactor<Settings extends FactorSettings>(
  unlock: readonly Settings[],
): Settings | undefined {
  return unlock.find(({ factor }) => rulesOfFactor(factor)?.role === 'opens')
}

/** What is said of a lock that this opens. */
export function wordsOf(unlock: readonly FactorSettings[]): FactorWords {
  const opening = openingFactor(unlock)
  return (opening && rulesOfFactor(opening.factor)?.words) ?? passphraseWords
}
