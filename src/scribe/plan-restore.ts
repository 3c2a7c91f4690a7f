import { isDeepStrictEqual } from 'node:util'
import { givenCredential } from '../domain/given-credential.ts'
import { GuardError } from '../domain/errors.ts'
import { classifyUser } from '../platform/kubeconfig/classify-user.ts'
import type { Edit } from '../platform/kubeconfig/edit-kubeconfig.ts'
import { fieldValue, nodeValue } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { ContextEntry, UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { notEditable } from '../platform/kubeconfig/splice.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { LoadedFile } from './load-files.ts'
import type { Original, Split } from './original.ts'
import { readSmallFile } from './read-file.ts'
import { referencedPath } from './read-secrets.ts'

export interface Restoration {
  readonly item: VaultItem
  readonly original: Original
}

/** Where an item stands: its entry still names the credential, or is as it was before, or is neither. */
export type Found = 'to-restore' | 'restored' | { readonly failure: GuardError }

/** Edits that put secrets back in the place of the exec entries that name these credentials. */
export function restoringEdits(file: LoadedFile, restorations: readonly Restoration[]): Edit[] {
  const pointed = new Set<ContextEntry>()
  const edits = restorations.flatMap(({ item, original }) => {
    if (lostCluster([file], { item, original }) !== undefined) return []
    const add = restoredFields(item, original)
    const entries = entriesOf(file, item).filter((user) => conflict(user, add) === undefined)
    return entries.flatMap((user): Edit[] => [
      { edit: 'fields', user, remove: ['exec'], add },
      ...clustersBack(file, user, original).filter(
        ({ context }) => !pointed.has(context) && pointed.add(context),
      ),
    ])
  })
  return [...edits, ...unusedGateways(file, restorations, pointed)]
}

/** The contexts of this user get back the clusters that they had before the gateway. */
function clustersBack(
  { config }: LoadedFile,
  user: UserEntry,
  { clusters = [] }: Original,
): Extract<Edit, { edit: 'point-cluster' }>[] {
  return clusters.flatMap(({ base, name }) =>
    config.contexts
      .filter((context) => context.user === user.name && context.cluster === name)
      .map((context) => ({ edit: 'point-cluster' as const, context, cluster: base })),
  )
}

/** A gateway that no context leads to any more goes with the last that did. */
function unusedGateways(
  { config }: LoadedFile,
  restorations: readonly Restoration[],
  pointed: ReadonlySet<ContextEntry>,
): Edit[] {
  const names = new Set([...pointed].map(({ cluster }) => cluster))
  const known = new Set(
    restorations.flatMap(({ original }) => (original.clusters ?? []).map(({ name }) => name)),
  )
  return config.clusters
    .filter(({ name }) => names.has(name) && known.has(name))
    .filter(({ name }) => config.contexts.every((one) => one.cluster !== name || pointed.has(one)))
    .map((cluster) => ({ edit: 'remove-cluster', cluster }))
}

/** Does a user of this file name the credential? */
export function namesItem(file: LoadedFile, { item }: Restoration): boolean {
  return entriesOf(file, item).length > 0
}

/**
 * By credential and not by name: a user may have been renamed since. One that was restored already (by a
 * run that was interrupted) counts as done.
 */
export function findItem(files: readonly LoadedFile[], { item, original }: Restoration): Found {
  const fields = restoredFields(item, original)
  const named = files.flatMap((file) => entriesOf(file, item))
  const own = named.map((user) => conflict(user, fields)).find((name) => name !== undefined)
  if (own !== undefined) return { failure: inTheWay(item, own) }
  const lost = lostCluster(files, { item, original })
  if (lost !== undefined)
    return {
      failure: gone(
        `cluster ${lost} of ${item.file}, which the gateway stood before, is not there any more`,
        item,
      ),
    }
  if (named.length > 0) return 'to-restore'
  const file = files.find(({ snapshot }) => snapshot.real === item.file)
  if (file === undefined) return { failure: gone(`${item.file} is not there any more`, item) }
  const names = [item.user, ...(original.split === undefined ? [] : [original.split.base])]
  const restored = file.config.users.some(
    (user) => names.includes(user.name) && hasFields(file, user, fields),
  )
  return restored
    ? 'restored'
    : { failure: gone(`no user of ${item.file} names the credential ${item.id}`, item) }
}

/** A field that someone has put beside our entry since: neither it nor the vault's may be lost. */
function conflict(user: UserEntry, fields: Record<string, unknown>): string | undefined {
  return Object.keys(fields).find((name) => name !== 'exec' && user.fields.has(name))
}

/** A cluster that contexts are to be pointed back to, and that somebody has removed since. */
function lostCluster(files: readonly LoadedFile[], { item, original }: Restoration): string | undefined {
  return files
    .flatMap((file) =>
      entriesOf(file, item)
        .flatMap((user) => clustersBack(file, user, original))
        .filter(({ cluster }) => !file.config.clusters.some(({ name }) => name === cluster)),
    )
    .at(0)?.cluster
}

function inTheWay(item: VaultItem, name: string): GuardError {
  return new GuardError(
    'kubeconfig-invalid',
    `user ${item.user} of ${item.file} has a ${name} of its own by now`,
    {
      cure: 'run: kubeguard adopt, which takes the new one; then try again',
    },
  )
}

function gone(message: string, item: VaultItem): GuardError {
  return new GuardError('credential-unknown', message, {
    cure: isGivenItem(item)
      ? `put back a user ${item.user} whose exec entry names ${item.id}, then try again; or give it a new file: --to FILE`
      : `put back a user whose exec entry names ${item.id}, then try again; the credential stays in the vault`,
  })
}

function entriesOf(file: LoadedFile, item: VaultItem): UserEntry[] {
  return file.config.users.filter(
    (user) =>
      classifyUser(file.config, user).ours?.credential === item.id &&
      (!isGivenItem(item) || (user.name === item.user && file.snapshot.real === item.file)),
  )
}

/** Every user of a policy that logs in names the same credential: of these the name tells which one it is. */
const isGivenItem = ({ id, policy }: VaultItem): boolean => id === givenCredential(policy)

function hasFields(file: LoadedFile, user: UserEntry, fields: Record<string, unknown>): boolean {
  return Object.entries(fields).every(([name, value]) =>
    isDeepStrictEqual(fieldValue(file.config, user, name), value),
  )
}

/** A user by itself, for another file: what its fields name relative to the old one is named in full. */
export function userOf({ item, original }: Restoration): { name: string; fields: Record<string, unknown> } {
  const fields = restoredFields(item, original)
  for (const name of ['tokenFile', 'client-certificate', 'client-key']) {
    const named = fields[name]
    if (typeof named === 'string' && named !== '') fields[name] = referencedPath(original.path, named)
  }
  const exec = fields['exec'] as { command?: unknown } | null | undefined
  if (typeof exec?.command === 'string' && exec.command.includes('/'))
    fields['exec'] = { ...exec, command: referencedPath(original.path, exec.command) }
  return { name: item.user, fields }
}

/** The fields as they were spelled; a file that does not hold the secret any more gives way to inline data. */
function restoredFields(item: VaultItem, original: Original): Record<string, unknown> {
  const fields = { ...original.fields }
  inlineIfGone(fields, original, 'tokenFile', item.token, (secret) => ({ token: secret }))
  for (const [name, secret] of [
    ['client-certificate', item.clientCertificateData],
    ['client-key', item.clientKeyData],
  ] as const) {
    const data = (pem: string) => ({ [`${name}-data`]: Buffer.from(pem).toString('base64') })
    inlineIfGone(fields, original, name, fields[`${name}-data`] === undefined ? secret : undefined, data)
  }
  return fields
}

function inlineIfGone(
  fields: Record<string, unknown>,
  original: Original,
  name: string,
  secret: string | undefined,
  inline: (secret: string) => Record<string, string>,
): void {
  const named = fields[name]
  if (typeof named !== 'string' || named === '' || secret === undefined) return
  const held = readSmallFile(referencedPath(original.path, named))
  if (held === secret || held?.trim() === secret) return
  delete fields[name]
  Object.assign(fields, inline(secret))
}

/**
 * Edits that join the parts of a split user again, as far as both are back: contexts in other files
 * first, so that none ever points to a user that is gone.
 */
export function joiningEdits(files: readonly LoadedFile[], split: Split): Map<LoadedFile, Edit[]> {
  const edits = new Map<LoadedFile, Edit[]>()
  const removals = new Map<LoadedFile, Edit[]>()
  for (const file of files) {
    const base = plainUser(file, split.base)
    for (const name of base === undefined ? [] : split.parts) {
      const part = plainUser(file, name)
      if (base === undefined || part === undefined || !sameFields(file, base, part)) continue
      for (const other of files) addTo(edits, other, pointBack(other, name, split.base))
      addTo(removals, file, [{ edit: 'remove-user', user: part }])
    }
  }
  const elsewhere = [...edits].filter(([file, list]) => list.length > 0 && !removals.has(file))
  if (elsewhere.length > 0) return new Map(elsewhere)
  for (const [file, list] of removals) addTo(edits, file, list)
  return new Map([...edits].filter(([, list]) => list.length > 0))
}

function pointBack(file: LoadedFile, from: string, to: string): Edit[] {
  return file.config.contexts
    .filter((context) => context.user === from)
    .map((context): Edit => {
      if (context.userNode === undefined) throw notEditable(file.config, context.offset)
      return { edit: 'point-context', context, user: to }
    })
}

function plainUser(file: LoadedFile, name: string): UserEntry | undefined {
  const user = file.config.users.find((candidate) => candidate.name === name)
  return user === undefined || classifyUser(file.config, user).ours !== undefined ? undefined : user
}

function sameFields(file: LoadedFile, a: UserEntry, b: UserEntry): boolean {
  const valueOf = (user: UserEntry): Record<string, unknown> =>
    Object.fromEntries([...user.fields].map(([name, { node }]) => [name, nodeValue(file.config, node)]))
  return isDeepStrictEqual(valueOf(a), valueOf(b))
}

function addTo(edits: Map<LoadedFile, Edit[]>, file: LoadedFile, more: readonly Edit[]): void {
  edits.set(file, [...(edits.get(file) ?? []), ...more])
}
