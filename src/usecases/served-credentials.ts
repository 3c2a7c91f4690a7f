import type { FactorSettings } from '../domain/factor.ts'
import { givenCredential, isGiven } from '../domain/given-credential.ts'
import type { VaultCatalogue } from './ports.ts'
import type { SessionTable } from './session-table.ts'

/** The credentials that an open session of this policy serves: its vault's, or the one that its factor gives. */
export function servedCredentials(
  {
    vaults,
    table,
  }: {
    readonly vaults: Pick<VaultCatalogue, 'credentials'>
    readonly table: Pick<SessionTable, 'find' | 'rules'>
  },
  policy: string,
): readonly string[] {
  if (table.find(policy) !== undefined && isGiven(table.rules(policy).unlock))
    return [givenCredential(policy)]
  return vaults.credentials(policy)
}

/**
 * What a provider gives opens no vault: credentials there would never be served, and nobody would know why.
 * @returns what is wrong with a vault that holds some all the same
 */
export function vaultOfOthers(
  vaults: Pick<VaultCatalogue, 'credentials'>,
  policy: string,
  unlock: readonly FactorSettings[],
): string | undefined {
  if (!isGiven(unlock) || vaults.credentials(policy).length === 0) return undefined
  return `policy ${policy} does not unlock by passphrase, but its vault has credentials that only a passphrase opens`
}
