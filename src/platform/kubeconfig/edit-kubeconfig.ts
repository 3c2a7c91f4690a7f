import { isDeepStrictEqual } from 'node:util'
import type { YAMLSeq } from 'yaml'
import { GuardError } from '../../domain/errors.ts'
import { invalidAt, nodeValue, parseKubeconfig } from './parse-kubeconfig.ts'
import type { ClusterEntry, ContextEntry, Kubeconfig, UserEntry } from './parse-kubeconfig.ts'
import {
  applySplices,
  notEditable,
  spliceFields,
  spliceFieldsBeside,
  spliceItemAfter,
  spliceItemOut,
  spliceScalar,
} from './splice.ts'
import type { Splice } from './splice.ts'

export type Edit =
  /** At least one field must be taken out: the new ones stand in the first one's place. */
  | {
      readonly edit: 'fields'
      readonly user: UserEntry
      readonly remove: readonly string[]
      readonly add: Fields
    }
  /** Fields that the user does not have, beside one that it has. */
  | {
      readonly edit: 'add-fields'
      readonly user: UserEntry
      readonly beside: string
      readonly fields: Fields
    }
  | { readonly edit: 'add-user'; readonly after: UserEntry; readonly name: string; readonly fields: Fields }
  | { readonly edit: 'remove-user'; readonly user: UserEntry }
  | { readonly edit: 'point-context'; readonly context: ContextEntry; readonly user: string }
  | {
      readonly edit: 'add-cluster'
      readonly after: ClusterEntry
      readonly name: string
      readonly fields: Fields
    }
  | {
      readonly edit: 'cluster-fields'
      readonly cluster: ClusterEntry
      readonly remove: readonly string[]
      readonly add: Fields
    }
  | { readonly edit: 'remove-cluster'; readonly cluster: ClusterEntry }
  | { readonly edit: 'point-cluster'; readonly context: ContextEntry; readonly cluster: string }

export type Fields = Readonly<Record<string, unknown>>

/**
 * The kubeconfig with the edits made, every other byte as it was. The result is read again and compared
 * with what was meant, so that an odd layout ends in an error and never in a broken file.
 *
 * @throws GuardError kubeconfig-invalid
 */
export function editedKubeconfig(config: Kubeconfig, edits: readonly Edit[]): Kubeconfig {
  if (edits.length === 0) return config
  const splices = edits.flatMap((edit) => splicesOf(config, edit))
  const edited = parsedOrRefused(config, edits, applySplices(config.text, splices))
  if (!isDeepStrictEqual(valueOrNothing(edited), expectedValue(config, edits))) throw refused(config, edits)
  return edited
}

/** The text of `editedKubeconfig`. */
export function editKubeconfig(config: Kubeconfig, edits: readonly Edit[]): string {
  return editedKubeconfig(config, edits).text
}

function parsedOrRefused(config: Kubeconfig, edits: readonly Edit[], text: string): Kubeconfig {
  try {
    return parseKubeconfig(config.path, text)
  } catch (error) {
    throw error instanceof GuardError ? refused(config, edits) : error
  }
}

function splicesOf(config: Kubeconfig, edit: Edit): Splice[] {
  switch (edit.edit) {
    case 'fields':
      for (const name of edit.remove) requireInPlace(config, edit.user, name)
      if (edit.user.map === undefined) throw notEditable(config, edit.user.offset)
      return spliceFields(config, edit.user.map, new Set(edit.remove), edit.add)
    case 'add-fields':
      requireInPlace(config, edit.user, edit.beside)
      if (edit.user.map === undefined) throw notEditable(config, edit.user.offset)
      return [spliceFieldsBeside(config, edit.user.map, edit.beside, edit.fields)]
    case 'add-user': {
      const entry = { name: edit.name, user: edit.fields }
      return [spliceItemAfter(config, listOf(config, edit.after, config.userList), edit.after.index, entry)]
    }
    case 'remove-user':
      return [spliceItemOut(config, listOf(config, edit.user, config.userList), edit.user.index)]
    case 'add-cluster': {
      const entry = { name: edit.name, cluster: edit.fields }
      return [
        spliceItemAfter(config, listOf(config, edit.after, config.clusterList), edit.after.index, entry),
      ]
    }
    case 'cluster-fields':
      if (edit.cluster.map === undefined) throw notEditable(config, edit.cluster.offset)
      return spliceFields(config, edit.cluster.map, new Set(edit.remove), edit.add)
    case 'remove-cluster':
      return [spliceItemOut(config, listOf(config, edit.cluster, config.clusterList), edit.cluster.index)]
    case 'point-cluster':
      if (edit.context.clusterNode === undefined) throw notEditable(config, edit.context.offset)
      return [spliceScalar(config, edit.context.clusterNode, edit.cluster)]
    case 'point-context':
      if (edit.context.userNode === undefined) throw notEditable(config, edit.context.offset)
      return [spliceScalar(config, edit.context.userNode, edit.user)]
  }
}

function requireInPlace(config: Kubeconfig, user: UserEntry, name: string): void {
  const field = user.fields.get(name)
  if (field === undefined || field.inPlace) return
  throw invalidAt(
    config,
    field.offset,
    `the ${name} of this user stands elsewhere, behind an alias or a merge key`,
    'write the value out where it is used, without anchor and alias, then try again',
  )
}

function listOf(config: Kubeconfig, entry: { readonly offset: number }, list: YAMLSeq | undefined): YAMLSeq {
  if (list === undefined) throw notEditable(config, entry.offset)
  return list
}

interface NamedUser {
  name?: unknown
  user?: Record<string, unknown> | null
}

interface NamedCluster {
  name?: unknown
  cluster?: Record<string, unknown> | null
}

/** The same edits made on the value, by names and places instead of by text. */
function expectedValue(config: Kubeconfig, edits: readonly Edit[]): unknown {
  const value = toValue(config) as {
    users?: NamedUser[]
    clusters?: NamedCluster[] | null
    contexts?: { context: { user?: string; cluster?: string } }[]
  }
  const users = value.users ?? []
  const original = [...users]
  for (const edit of edits) {
    if (edit.edit === 'fields') {
      const entry = original[edit.user.index]
      const kept = Object.entries(entry?.user ?? {}).filter(([name]) => !edit.remove.includes(name))
      if (entry !== undefined) entry.user = { ...Object.fromEntries(kept), ...edit.add }
    } else if (edit.edit === 'add-fields') {
      const entry = original[edit.user.index]
      if (entry !== undefined) entry.user = { ...entry.user, ...edit.fields }
    } else if (edit.edit === 'point-context') {
      const context = value.contexts?.[config.contexts.indexOf(edit.context)]
      if (context !== undefined) context.context.user = edit.user
    } else if (edit.edit === 'point-cluster') {
      const context = value.contexts?.[config.contexts.indexOf(edit.context)]
      if (context !== undefined) context.context.cluster = edit.cluster
    }
  }
  // kubectl writes null for an empty list.
  if (Array.isArray(value.clusters)) value.clusters = expectedClusters(value.clusters, edits)
  for (const edit of edits.toReversed()) {
    if (edit.edit === 'add-user') {
      const at = users.indexOf(original[edit.after.index] as NamedUser)
      users.splice(at + 1, 0, { name: edit.name, user: { ...edit.fields } })
    }
  }
  const removed = new Set(
    edits.flatMap((edit) => (edit.edit === 'remove-user' ? [original[edit.user.index]] : [])),
  )
  if (removed.size > 0) value.users = users.filter((user) => !removed.has(user))
  return jsonOf(value)
}

function expectedClusters(clusters: readonly NamedCluster[], edits: readonly Edit[]): NamedCluster[] {
  const added = new Map<number, NamedCluster[]>()
  const changed = new Map<number, NamedCluster | undefined>()
  for (const edit of edits) {
    if (edit.edit === 'add-cluster') {
      const before = added.get(edit.after.index) ?? []
      added.set(edit.after.index, [...before, { name: edit.name, cluster: { ...edit.fields } }])
    } else if (edit.edit === 'remove-cluster') changed.set(edit.cluster.index, undefined)
    else if (edit.edit === 'cluster-fields') {
      const entry = clusters[edit.cluster.index]
      const kept = Object.entries(entry?.cluster ?? {}).filter(([name]) => !edit.remove.includes(name))
      changed.set(edit.cluster.index, { ...entry, cluster: { ...Object.fromEntries(kept), ...edit.add } })
    }
  }
  return clusters.flatMap((cluster, index) => {
    const now = changed.has(index) ? changed.get(index) : cluster
    return [...(now === undefined ? [] : [now]), ...(added.get(index) ?? [])]
  })
}

function toValue(config: Kubeconfig): unknown {
  const root = config.document.contents
  return root === null ? null : jsonOf(nodeValue(config, root))
}

/** undefined when its aliases can't be followed: it is refused then, whatever the reason. */
function valueOrNothing(config: Kubeconfig): unknown {
  try {
    return toValue(config)
  } catch (error) {
    if (error instanceof GuardError) return undefined
    throw error
  }
}

/** Shared nodes are copied apart, dates and the like become what kubectl's JSON has. */
const jsonOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))

function refused(config: Kubeconfig, edits: readonly Edit[]): GuardError {
  const [first] = edits
  return notEditable(config, first === undefined ? 0 : placeOf(first).offset)
}

function placeOf(edit: Edit): { readonly offset: number } {
  switch (edit.edit) {
    case 'point-context':
    case 'point-cluster':
      return edit.context
    case 'add-user':
    case 'add-cluster':
      return edit.after
    case 'cluster-fields':
    case 'remove-cluster':
      return edit.cluster
    default:
      return edit.user
  }
}
