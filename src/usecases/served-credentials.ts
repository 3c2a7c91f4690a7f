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
