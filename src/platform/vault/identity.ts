import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { GuardError } from '../../domain/errors.ts'
import { PassphraseIdentity, PassphraseRecipient } from './scrypt-stanza.ts'

/** A policy's own key, in the text form of the age format. */
export interface PolicyKey {
  /** `AGE-SECRET-KEY-1…` */
  readonly identity: string
  /** `age1…` */
  readonly recipient: string
  /** The public half of the recovery key, where one was made: vaults that are made later are sealed to it, too. */
  readonly recovery?: string
}

export async function generateKey(): Promise<PolicyKey> {
  const identity = await generateX25519Identity()
  return { identity, recipient: await identityToRecipient(identity) }
}

/** Above the key, as age-keygen writes what is public. Under the passphrase: nobody else can put another one there. */
const recoveryComment = '# recovery: '

/** @returns the bytes of `identity.age`, which `age -d` opens with the passphrase. */
export async function sealIdentity(
  identity: string,
  passphrase: Buffer,
  logN: number,
  recovery?: string,
): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(new PassphraseRecipient(passphrase, logN))
  const comment = recovery === undefined ? '' : `${recoveryComment}${recovery}\n`
  return encrypter.encrypt(`${comment}${identity}\n`)
}

/**
 * @param policy for the messages
 * @throws GuardError wrong-passphrase, vault-damaged, vault-newer
 */
export async function openIdentity(
  sealed: Uint8Array,
  passphrase: Buffer,
  policy: string,
): Promise<PolicyKey> {
  const text = await decryptIdentity(sealed, passphrase, policy)
  const recovery = text.split('\n').find((line) => line.startsWith(recoveryComment))
  const key = await keyIn(text, policy)
  return recovery === undefined ? key : { ...key, recovery: recovery.slice(recoveryComment.length) }
}

/** @throws GuardError vault-damaged, vault-newer */
export async function keyIn(text: string, policy: string): Promise<PolicyKey> {
  const identity = lastKeyLine(text)
  if (!identity.startsWith('AGE-SECRET-KEY-1')) {
    throw new GuardError(
      'vault-newer',
      `the vault of ${policy} has a kind of key that this version does not know`,
    )
  }
  try {
    return { identity, recipient: await identityToRecipient(identity) }
  } catch {
    throw new GuardError('vault-damaged', `the vault of ${policy} has a damaged key`)
  }
}

async function decryptIdentity(sealed: Uint8Array, passphrase: Buffer, policy: string): Promise<string> {
  const attempt = new PassphraseIdentity(passphrase)
  const decrypter = new Decrypter()
  decrypter.addIdentity(attempt)
  try {
    return await decrypter.decrypt(sealed, 'text')
  } catch {
    // The library's reason is left out: it is prose, and nothing of a sealed file belongs in a message.
    if (attempt.refused) throw new GuardError('wrong-passphrase', 'wrong passphrase')
    throw new GuardError('vault-damaged', `the key file of ${policy}’s vault is damaged`)
  }
}

/** age-keygen writes comments above the key. */
function lastKeyLine(text: string): string {
  return text.split('\n').findLast((line) => line !== '' && !line.startsWith('#')) ?? ''
}
