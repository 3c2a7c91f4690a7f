import { createHash } from 'node:crypto'
import type { MaterialisedUser } from '../domain/materialised.ts'
import { dirs, places } from '../platform/dirs.ts'
import { secretFields } from '../platform/kubeconfig/classify-user.ts'
import { fieldValue } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { Kubeconfig, UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { allTraces } from '../platform/traces.ts'
import type { VaultItem } from '../platform/vault/item.ts'

/** An item as a kubeconfig's user spells it, whatever it was spelled like before it was adopted. */
export function fieldsOf(item: VaultItem): Record<string, string> {
  const { token, clientCertificateData: certificate, clientKeyData: key } = item
  return {
    ...(token !== undefined && { token }),
    ...(certificate !== undefined && { 'client-certificate-data': toBase64(certificate) }),
    ...(key !== undefined && { 'client-key-data': toBase64(key) }),
  }
}

const toBase64 = (text: string): string => Buffer.from(text).toString('base64')

/** By which these fields are known again. */
export function digestsOf(salt: string, fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, digestOf(salt, name, value)]),
  )
}

const digestOf = (salt: string, name: string, value: string): string =>
  createHash('sha256').update(`${salt}\0${name}\0${value}`).digest('hex')

/** Everything that was put into kubeconfigs and not taken out yet, in open sessions and in dead ones. */
export const allMaterialised = (): MaterialisedUser[] =>
  allTraces(places.traces(dirs())).flatMap(({ materialised }) => materialised)

/** Tells what we put into kubeconfigs from what others wrote there. */
export class Materialised {
  /** By salt, of which each session has one, then by digest. */
  readonly #bySalt = new Map<string, Map<string, MaterialisedUser>>()

  constructor(users: readonly MaterialisedUser[]) {
    for (const user of users) {
      const digests = this.#bySalt.get(user.salt) ?? new Map<string, MaterialisedUser>()
      this.#bySalt.set(user.salt, digests)
      for (const digest of Object.values(user.digests)) digests.set(digest, user)
    }
  }

  /** The fields of this entry that hold what we put there, and as whose. */
  fieldsOf(config: Kubeconfig, user: UserEntry): ReadonlyMap<string, MaterialisedUser> {
    const found = new Map<string, MaterialisedUser>()
    if (this.#bySalt.size === 0) return found
    for (const name of secretFields) {
      const value = user.fields.has(name) ? fieldValue(config, user, name) : undefined
      const owner = typeof value === 'string' ? this.#ownerOf(name, value) : undefined
      if (owner !== undefined) found.set(name, owner)
    }
    return found
  }

  /** Are all of this entry's secrets such that we put there ourselves? */
  has(config: Kubeconfig, user: UserEntry): boolean {
    const ours = this.fieldsOf(config, user)
    return ours.size > 0 && secretFields.every((name) => !user.fields.has(name) || ours.has(name))
  }

  #ownerOf(name: string, value: string): MaterialisedUser | undefined {
    for (const [salt, digests] of this.#bySalt) {
      const owner = digests.get(digestOf(salt, name, value))
      if (owner !== undefined) return owner
    }
    return undefined
  }
}
