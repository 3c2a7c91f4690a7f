import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { GuardError } from '../../domain/errors.ts'
import { readOwnFile } from '../own-files.ts'
import { keyIn, openIdentity } from './identity.ts'
import type { PolicyKey } from './identity.ts'
import type { VaultPlaces } from './places.ts'

/**
 * The recovery key is a key of the age format like any other (`age -d -i FILE recovery.age` opens what it is for). Its
 * public half seals each policy's own key a second time, beside the passphrase; the key itself is on no disk.
 */

/** What opens a vault. */
export type ProofKind = 'passphrase' | 'recovery'

interface Proof {
  readonly by: ProofKind
  /** The passphrase in UTF-8, or the recovery key as it was shown. The caller's buffer: it is neither kept nor wiped here. */
  readonly secret: Buffer
}

const fileBytes = 64 * 1024

interface RecoveryKey {
  /** `AGE-SECRET-KEY-1…`: to be shown once. */
  readonly key: string
  readonly recipient: string
}

export async function makeRecoveryKey(): Promise<RecoveryKey> {
  const key = await generateX25519Identity()
  return { key, recipient: await identityToRecipient(key) }
}

/** @returns the bytes of `recovery.age` */
export async function sealForRecovery(identity: string, recipient: string): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  return encrypter.encrypt(`${identity}\n`)
}

/**
 * The files that hold a policy's key, sealed for either proof.
 *
 * @throws GuardError vault-missing where there is none, recovery-missing, place-unsafe, vault-damaged
 */
export function readSealedKey(places: VaultPlaces, policy: string, by: ProofKind): Buffer {
  const sealed = readOwnFile(by === 'recovery' ? places.recovery : places.identity, fileBytes)
  if (sealed !== undefined) return sealed
  if (by === 'passphrase') throw new GuardError('vault-missing', `there is no vault for ${policy}`)
  throw new GuardError('recovery-missing', `no recovery key was made for the vault of ${policy}`)
}

/**
 * @param sealed what readSealedKey gave for the same way
 * @throws GuardError wrong-passphrase, wrong-recovery-key, vault-damaged, vault-newer
 */
export function openKey(sealed: Uint8Array, { by, secret }: Proof, policy: string): Promise<PolicyKey> {
  return by === 'passphrase' ? openIdentity(sealed, secret, policy) : openRecovery(sealed, secret, policy)
}

async function openRecovery(sealed: Uint8Array, secret: Buffer, policy: string): Promise<PolicyKey> {
  const key = secret.toString('latin1').trim().toUpperCase()
  const recipient = await recipientOf(key)
  const decrypter = new Decrypter()
  decrypter.addIdentity(key)
  const text = await decrypter.decrypt(sealed, 'text').catch(() => {
    throw new GuardError('wrong-recovery-key', `this recovery key does not open the vault of ${policy}`)
  })
  return { ...(await keyIn(text, policy)), recovery: recipient }
}

/** A key has a checksum (bech32): one that was mistyped is told from one that is another's. */
async function recipientOf(key: string): Promise<string> {
  try {
    return await identityToRecipient(key)
  } catch {
    throw new GuardError('wrong-recovery-key', 'this is no recovery key, or it was mistyped')
  }
}
