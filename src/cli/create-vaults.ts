import { GuardError } from '../domain/errors.ts'
import { isGiven } from '../domain/given-credential.ts'
import { openVault } from './open-vault.ts'
import { sayFailure, sayProgress, sayStep } from './output.ts'
import { askedOnce } from './passphrase.ts'
import type { PassphraseSource } from './passphrase.ts'
import { readPolicies } from './read-policies.ts'
import { readStatus } from './unlock-session.ts'

const triesOnTerminal = 3

/**
 * Makes a vault for each policy that has none and opens by one, so that secrets can be sealed to it also while locked.
 * @throws GuardError `wrong-passphrase` where other vaults exist and the passphrase is not theirs.
 */
export async function createMissingVaults(given: PassphraseSource, withRecoveryKey = false): Promise<void> {
  const source = askedOnce(given)
  try {
    await create(source)
    if (withRecoveryKey)
      await openVault({ mode: 'recovery-key' }, async () => ({ passphrase: await source.ask('passphrase') }))
  } finally {
    source.forget()
  }
}

async function create(source: Required<PassphraseSource>): Promise<void> {
  const missing = await policiesWithoutVault()
  if (missing.length === 0) return sayStep('vaults: there for every policy')
  for (let left = source.onTerminal ? triesOnTerminal : 1; ; left -= 1) {
    try {
      await openVault({ mode: 'create', policies: missing }, async (known) => {
        const passphrase = known
          ? await source.ask('passphrase')
          : await source.askNew('new passphrase, for all vaults')
        sayProgress('making the vaults: their key takes a second or two')
        return { passphrase }
      })
      return sayStep(`vaults: ${missing.join(', ')}`)
    } catch (error) {
      if (!(error instanceof GuardError) || error.code !== 'wrong-passphrase' || left === 1) throw error
      source.forget()
      sayFailure(error.message, 'try again, or press Ctrl-C')
    }
  }
}

async function policiesWithoutVault(): Promise<string[]> {
  const { policies } = await readPolicies()
  const { sessions } = await readStatus()
  const withVault = new Set(sessions.filter((session) => session.hasVault).map((session) => session.policy))
  return policies
    .filter(({ name, unlock }) => !withVault.has(name) && !isGiven(unlock))
    .map(({ name }) => name)
}
