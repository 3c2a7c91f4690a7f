import { isAlias, isMap, isScalar, isSeq, LineCounter } from 'yaml'
import type { Alias, Document, Node, Pair, Scalar, YAMLError, YAMLMap, YAMLSeq } from 'yaml'
import { GuardError } from '../../domain/errors.ts'
import { parseYaml, tooDeep } from '../parse-yaml.ts'
import { checkDocument, refuseTooMany, withoutAliases } from './check-document.ts'

/** A kubeconfig as its source text and the nodes that say where everything stands in it. */
export interface Kubeconfig {
  /** As the user named it: relative paths inside the file start from its folder. */
  readonly path: string
  readonly text: string
  readonly document: Document
  readonly lines: LineCounter
  readonly currentContext: string | undefined
  readonly contexts: readonly ContextEntry[]
  readonly clusters: readonly ClusterEntry[]
  readonly users: readonly UserEntry[]
  readonly userList: YAMLSeq | undefined
  readonly clusterList: YAMLSeq | undefined
  /** How many mappings merge keys have led to so far. */
  readonly merged: { maps: number }
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Alias, Node>
}

export interface ContextEntry {
  readonly name: string
  readonly cluster: string
  readonly user: string
  /** Undefined where the context names none: then it is `default`. */
  readonly namespace: string | undefined
  /** The scalar that names the user, where it can be changed in place. */
  readonly userNode: Scalar | undefined
  /** The same for the cluster. */
  readonly clusterNode: Scalar | undefined
  readonly offset: number
}

export interface ClusterEntry {
  readonly name: string
  /** Place in the list of clusters. */
  readonly index: number
  readonly fields: ReadonlyMap<string, UserField>
  /** The `cluster` mapping, where it can be edited in place. */
  readonly map: YAMLMap | undefined
  readonly offset: number
}

export interface UserEntry {
  readonly name: string
  /** Place in the list of users. */
  readonly index: number
  readonly fields: ReadonlyMap<string, UserField>
  /** The `user` mapping, where it can be edited in place: no alias leads to it. */
  readonly map: YAMLMap | undefined
  readonly offset: number
}

export interface UserField {
  readonly node: Node
  /** False when the value stands elsewhere: behind an alias or a merge key. */
  readonly inPlace: boolean
  readonly offset: number
}

/**
 * Reads the structure of a kubeconfig. Names keep the spelling of their source, as kubectl sees it.
 *
 * @throws GuardError kubeconfig-invalid with file, line and column; no value is quoted, it may be a secret
 */
export function parseKubeconfig(path: string, text: string): Kubeconfig {
  const lines = new LineCounter()
  refuseTooMany(path, text)
  const document = parseYaml(text, {
    lineCounter: lines,
    keepSourceTokens: true,
    prettyErrors: false,
    uniqueKeys: false,
  })
  const { targets, objection } = checkDocument(document)
  const source = { path, lines, document, text, merged: { maps: 0 }, targets }
  const [error] = document.errors
  if (error !== undefined && !(objection !== undefined && objection.offset < error.pos[0]))
    throw unreadable(source, error)
  if (objection !== undefined) throw invalidAt(source, objection.offset, objection.wrong, objection.cure)
  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null)) return emptyConfig(source)
  if (!isMap(root)) throw invalidAt(source, 0, 'is not a mapping')
  return {
    ...source,
    currentContext: optionalName(source, valueOf(source, root, 'current-context')?.node),
    contexts: namedEntries(source, root, 'contexts').map((entry) => contextEntry(source, entry)),
    clusters: namedEntries(source, root, 'clusters').map((entry, index) =>
      clusterEntry(source, entry, index),
    ),
    users: namedEntries(source, root, 'users').map((entry, index) => userEntry(source, entry, index)),
    userList: directList(root, 'users'),
    clusterList: directList(root, 'clusters'),
  }
}

/** What is needed to say where something is wrong. */
export type Source = Pick<Kubeconfig, 'path' | 'lines' | 'document' | 'text' | 'merged' | 'targets'>

/** An error that names file, line and column (from 1). */
export function invalidAt(
  source: Pick<Source, 'path' | 'lines'>,
  offset: number,
  wrong: string,
  cure?: string,
): GuardError {
  const { line, col } = source.lines.linePos(offset)
  const message = `${source.path}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${wrong}`
  return new GuardError('kubeconfig-invalid', message, cure === undefined ? {} : { cure })
}

/** More than any real kubeconfig resolves; a few lines of nested aliases could ask for billions. */
const mostAliases = 1000
/** The same for merge keys: each field of a user is looked for behind all of them. */
const mostMerged = 10_000

/**
 * A node as plain data, aliases followed.
 *
 * @throws GuardError kubeconfig-invalid where they lead nowhere or to too much
 */
export function nodeValue(source: Source, node: Node): unknown {
  try {
    return node.toJS(source.document, { maxAliasCount: mostAliases })
  } catch {
    throw invalidAt(source, startOf(node), 'its anchors and aliases can’t be followed', withoutAliases)
  }
}

const syntaxErrors: Partial<Record<YAMLError['code'], string>> = {
  RESOURCE_EXHAUSTION: tooDeep,
  TAB_AS_INDENT: 'a tab is used as indentation',
  MULTIPLE_DOCS: 'a second document begins here, kubectl reads only one',
}

function unreadable(source: Source, error: YAMLError): GuardError {
  return invalidAt(source, error.pos[0], syntaxErrors[error.code] ?? `is not valid YAML (${error.code})`)
}

function emptyConfig(source: Source): Kubeconfig {
  return {
    ...source,
    currentContext: undefined,
    contexts: [],
    clusters: [],
    users: [],
    userList: undefined,
    clusterList: undefined,
  }
}

function contextEntry(source: Source, entry: NamedEntry): ContextEntry {
  const context = valueOf(source, entry.map, 'context')
  const map = context === undefined ? undefined : asMap(source, context.node)
  const user = map === undefined ? undefined : valueOf(source, map, 'user')
  const cluster = map === undefined ? undefined : valueOf(source, map, 'cluster')
  const namespace = map === undefined ? undefined : valueOf(source, map, 'namespace')
  const isDirect = entry.direct && context?.inPlace === true
  const nodeOf = (field: UserField | undefined): Scalar | undefined =>
    isDirect && field?.inPlace === true && isScalar(field.node) ? field.node : undefined
  return {
    name: entry.name,
    cluster: optionalName(source, cluster?.node) ?? '',
    user: optionalName(source, user?.node) ?? '',
    namespace: optionalName(source, namespace?.node),
    userNode: nodeOf(user),
    clusterNode: nodeOf(cluster),
    offset: entry.offset,
  }
}

function clusterEntry(source: Source, entry: NamedEntry, index: number): ClusterEntry {
  const { fields, map } = fieldsOf(source, entry, 'cluster')
  return { name: entry.name, index, fields, map, offset: entry.offset }
}

function userEntry(source: Source, entry: NamedEntry, index: number): UserEntry {
  const { fields, map } = fieldsOf(source, entry, 'user')
  return { name: entry.name, index, fields, map, offset: entry.offset }
}

/** The fields of an entry's mapping, and that mapping where it can be edited in place. */
function fieldsOf(
  source: Source,
  entry: NamedEntry,
  key: 'cluster' | 'user',
): { fields: Map<string, UserField>; map: YAMLMap | undefined } {
  const value = valueOf(source, entry.map, key)
  const map = value === undefined ? undefined : asMap(source, value.node)
  const direct = entry.direct && value?.inPlace === true
  const fields = new Map<string, UserField>()
  for (const [name, found] of map === undefined ? [] : allFields(source, map))
    if (found !== undefined) fields.set(name, { ...found, inPlace: direct && found.inPlace })
  return { fields, map: direct ? map : undefined }
}

interface NamedEntry {
  readonly name: string
  readonly map: YAMLMap
  readonly direct: boolean
  readonly offset: number
}

/** The entries of a list of named things. Like kubectl, it refuses a name that stands there twice. */
function namedEntries(source: Source, root: YAMLMap, key: string): NamedEntry[] {
  const list = valueOf(source, root, key)
  if (list === undefined || isNull(list.node)) return []
  if (!isSeq(list.node)) throw invalidAt(source, list.offset, `${key} is not a list`)
  const names = new Set<string>()
  return list.node.items.map((item) => {
    const offset = startOf(item as Node)
    const map = asMap(source, item as Node)
    if (map === undefined) throw invalidAt(source, offset, `an entry of ${key} is not a mapping`)
    const name = optionalName(source, valueOf(source, map, 'name')?.node) ?? ''
    if (names.has(name)) throw invalidAt(source, offset, `a name stands twice in ${key}`)
    names.add(name)
    return { name, map, direct: list.inPlace && !isAlias(item), offset }
  })
}

function directList(root: YAMLMap, key: string): YAMLSeq | undefined {
  const value = root.items.find((pair) => keyText(pair) === key)?.value
  return isSeq(value) ? value : undefined
}

/** Follows aliases. @throws GuardError kubeconfig-invalid for an alias of nothing */
function target(source: Source, node: Node): Node {
  if (!isAlias(node)) return node
  const found = source.targets.get(node)
  if (found === undefined) throw invalidAt(source, startOf(node), 'this alias stands for nothing')
  return found
}

/** A field's value, wherever it stands. A null counts as no value, as it does for kubectl. */
function valueOf(source: Source, map: YAMLMap, key: string, depth = 0): UserField | undefined {
  const pair = map.items.find((candidate) => keyText(candidate) === key)
  if (pair !== undefined) return asField(source, pair)
  for (const merged of mergedMaps(source, map, depth)) {
    const found = valueOf(source, merged, key, depth + 1)
    if (found !== undefined) return { ...found, inPlace: false }
  }
  return undefined
}

function asField(source: Source, pair: Pair): UserField | undefined {
  const written = pair.value as Node | null
  if (written === null) return undefined
  const node = target(source, written)
  if (isNull(node)) return undefined
  return { node, inPlace: node === written, offset: startOf(pair.key as Node) }
}

/** A mapping can merge itself; nobody nests merges deeper than this. */
const deepestMerge = 16

/** YAML 1.1's merge keys, which kubectl's parser knows. */
function mergedMaps(source: Source, map: YAMLMap, depth: number): YAMLMap[] {
  if (depth > deepestMerge) throw invalidAt(source, startOf(map), 'merge keys are nested too deep')
  const value = map.items.find((pair) => keyText(pair) === '<<')?.value as Node | undefined | null
  if (value === undefined || value === null) return []
  const node = target(source, value)
  const nodes = isSeq(node) ? node.items.map((item) => target(source, item as Node)) : [node]
  source.merged.maps += nodes.length
  if (source.merged.maps > mostMerged)
    throw invalidAt(source, startOf(map), 'its merge keys lead to too much', withoutAliases)
  return nodes.filter((item) => isMap(item)) as YAMLMap[]
}

/** Every field of a mapping, as valueOf finds one. A null keeps what would be merged from being seen. */
function allFields(source: Source, map: YAMLMap, depth = 0): Map<string, UserField | undefined> {
  const fields = new Map<string, UserField | undefined>()
  for (const pair of map.items) {
    const name = keyText(pair)
    if (name !== undefined && name !== '<<' && !fields.has(name)) fields.set(name, asField(source, pair))
  }
  for (const merged of mergedMaps(source, map, depth)) {
    for (const [name, field] of allFields(source, merged, depth + 1))
      if (!fields.has(name)) fields.set(name, field && { ...field, inPlace: false })
  }
  return fields
}

/** @returns undefined for a null. @throws GuardError kubeconfig-invalid for anything else that is no mapping */
function asMap(source: Source, node: Node): YAMLMap | undefined {
  const found = target(source, node)
  if (isMap(found)) return found
  if (isNull(found)) return undefined
  throw invalidAt(source, startOf(node), 'a mapping is expected here')
}

function optionalName(source: Source, node: Node | undefined): string | undefined {
  if (node === undefined || isNull(node)) return undefined
  if (!isScalar(node)) throw invalidAt(source, startOf(node), 'a name is expected here')
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
}

const isNull = (node: unknown): boolean => isScalar(node) && node.value === null

/** The text of a pair's key; undefined for a key that is no scalar. */
export function keyText(pair: Pair): string | undefined {
  return isScalar(pair.key) ? String(pair.key.value) : undefined
}

/** A user's field as plain data. @throws GuardError kubeconfig-invalid as nodeValue */
export function fieldValue(config: Kubeconfig, user: UserEntry, name: string): unknown {
  const node = user.fields.get(name)?.node
  return node === undefined ? undefined : nodeValue(config, node)
}

/** A field's text where it is a scalar, else an empty one. */
export function scalarText(field: UserField | undefined): string {
  if (field === undefined || !isScalar(field.node)) return ''
  const { value, source } = field.node
  return typeof value === 'string' ? value : (source ?? String(value))
}

/** Where a node begins in the text. */
export function startOf(node: Node): number {
  return node.range?.[0] ?? 0
}
