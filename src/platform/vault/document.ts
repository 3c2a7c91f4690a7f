import { Decrypter, Encrypter } from 'age-encryption'
import { GuardError } from '../../domain/errors.ts'
import { parseItem } from './item.ts'
import type { VaultItem } from './item.ts'

/** What `vault.age` holds: JSON, so that a person with the `age` command can read it. */
interface VaultDocument {
  readonly version: number
  readonly policy: string
  readonly items: readonly unknown[]
}

const documentVersion = 1

/** @param recipient `age1…` */
export async function sealDocument(
  policy: string,
  items: readonly VaultItem[],
  recipient: string,
): Promise<Uint8Array> {
  return sealValue({ version: documentVersion, policy, items } satisfies VaultDocument, recipient)
}

/** @throws GuardError vault-damaged, vault-newer */
export async function openDocument(
  sealed: Uint8Array,
  identity: string,
  policy: string,
): Promise<VaultItem[]> {
  const document = asDocument(await openValue(sealed, identity))
  if (document === undefined) throw damaged(policy)
  if (document.version > documentVersion) {
    throw new GuardError('vault-newer', `the vault of ${policy} was written by a newer version`)
  }
  if (document.policy !== policy) {
    throw new GuardError('vault-damaged', `the vault of ${policy} belongs to another policy`)
  }
  const items = document.items.map(parseItem)
  if (items.includes(undefined)) throw damaged(policy)
  return items as VaultItem[]
}

export async function sealItem(item: VaultItem, recipient: string): Promise<Uint8Array> {
  return sealValue({ version: documentVersion, item }, recipient)
}

/** @returns undefined for an item that this key does not open or this version does not understand. */
export async function openItem(sealed: Uint8Array, identity: string): Promise<VaultItem | undefined> {
  const value = (await openValue(sealed, identity)) as
    | { version?: unknown; item?: unknown }
    | null
    | undefined
  return value?.version === documentVersion ? parseItem(value.item) : undefined
}

/** JSON, sealed. @param recipient `age1…` */
export async function sealValue(value: unknown, recipient: string): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  return encrypter.encrypt(`${JSON.stringify(value)}\n`)
}

/** @returns undefined when it can't be opened: the reason could quote what is sealed. */
export async function openValue(sealed: Uint8Array, identity: string): Promise<unknown> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  try {
    return JSON.parse(await decrypter.decrypt(sealed, 'text'))
  } catch {
    return undefined
  }
}

function asDocument(value: unknown): VaultDocument | undefined {
  const document = value as Partial<VaultDocument> | null | undefined
  if (typeof document?.version !== 'number') return undefined
  // A newer version may have moved the rest: the number alone must be where it was.
  if (document.version > documentVersion) return { version: document.version, policy: '', items: [] }
  if (typeof document.policy !== 'string' || !Array.isArray(document.items)) return undefined
  return document as VaultDocument
}

const damaged = (policy: string): GuardError =>
  new GuardError('vault-damaged', `the vault of ${policy} is damaged`)
