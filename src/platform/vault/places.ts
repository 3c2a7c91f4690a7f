import { join } from 'node:path'
import { GuardError } from '../../domain/errors.ts'

/** Where one policy's vault lies. */
export interface VaultPlaces {
  readonly folder: string
  /** The X25519 identity, sealed with the passphrase. */
  readonly identity: string
  /** A new identity file that awaits its commit; see rewrap.ts. */
  readonly nextIdentity: string
  /** The same identity, sealed to the recovery key, where one was made. */
  readonly recovery: string
  readonly nextRecovery: string
  /** The public half, so that sealing works while locked. */
  readonly recipient: string
  readonly vault: string
  readonly catalogue: string
  readonly pending: string
  /** Port and key of the policy's gateway, sealed; see gateway-identity.ts. */
  readonly gateway: string
  /** Its public half: port and certificate. */
  readonly gatewayPlace: string
}

const policyPattern = /^[a-z0-9][a-z0-9._-]{0,62}$/
const credentialPattern = /^[a-z0-9][a-z0-9._-]{0,254}$/

/** @throws GuardError policy-unknown when the name could not be a policy's: it becomes a folder's name. */
export function vaultPlaces(vaultsDir: string, policy: string): VaultPlaces {
  if (!policyPattern.test(policy)) throw new GuardError('policy-unknown', 'not a policy name')
  return placesIn(join(vaultsDir, policy))
}

/** The same below any folder: a vault that is being made has another name at first. */
export function placesIn(folder: string): VaultPlaces {
  return {
    folder,
    identity: join(folder, 'identity.age'),
    nextIdentity: join(folder, 'identity.age.next'),
    recovery: join(folder, 'recovery.age'),
    nextRecovery: join(folder, 'recovery.age.next'),
    recipient: join(folder, 'recipient'),
    vault: join(folder, 'vault.age'),
    catalogue: join(folder, 'catalogue.json'),
    pending: join(folder, 'pending'),
    gateway: join(folder, 'gateway.age'),
    gatewayPlace: join(folder, 'gateway.json'),
  }
}

/** Where a credential that was sealed while locked waits. @throws GuardError credential-unknown */
export function pendingPlace(places: VaultPlaces, credential: string): string {
  if (!isCredentialId(credential)) throw new GuardError('credential-unknown', 'not a credential id')
  return join(places.pending, `${credential}.age`)
}

/** Where several credentials that were sealed at once wait; no credential's id begins like this. */
export function batchPlace(places: VaultPlaces, number: number): string {
  return join(places.pending, `_batch-${number}.age`)
}

/** Lower case letters, digits, `.`, `_` and `-`, beginning with a letter or digit. */
export function isCredentialId(text: string): boolean {
  return credentialPattern.test(text)
}

export function isPolicyName(text: string): boolean {
  return policyPattern.test(text)
}
