import type { GuardedSession } from './guarded-session.ts'
import type { VaultCatalogue } from './ports.ts'

/**
 * Is what this session gives for the credential nothing but a pass for its gateway? What a wrapped plugin gives goes to the
 * client as it is, and what is not known may be anything.
 */
export function givesPass(
  { vaults }: { readonly vaults: Pick<VaultCatalogue, 'kind'> },
  { access, policy }: Pick<GuardedSession, 'access' | 'policy'>,
  credential: string,
): boolean {
  const kind = vaults.kind(policy, credential)
  return access === 'gateway' && kind !== undefined && kind !== 'exec-plugin'
}
