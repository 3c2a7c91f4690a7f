import { isCollection, isMap, isPair, isScalar } from 'yaml'
import type { CST, Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import { invalidAt, keyText, startOf } from './parse-kubeconfig.ts'
import type { Kubeconfig } from './parse-kubeconfig.ts'
import { renderBlock, renderFlow, renderFlowFields, renderItem, renderScalar } from './render.ts'

/** Replaces the text between two offsets. Everything outside of splices stays byte for byte. */
export interface Splice {
  readonly from: number
  readonly to: number
  readonly text: string
}

/** @param splices in any order; none may overlap another */
export function applySplices(text: string, splices: readonly Splice[]): string {
  const ordered = splices.toSorted((a, b) => a.from - b.from || a.to - b.to)
  const parts: string[] = []
  let offset = 0
  for (const splice of ordered) {
    parts.push(text.slice(offset, splice.from), splice.text)
    offset = splice.to
  }
  return parts.join('') + text.slice(offset)
}

/**
 * Takes fields out of a mapping and puts others in the first one's place.
 *
 * @throws GuardError kubeconfig-invalid where the layout leaves no safe way
 */
export function spliceFields(
  config: Kubeconfig,
  map: YAMLMap,
  remove: ReadonlySet<string>,
  add: Readonly<Record<string, unknown>>,
): Splice[] {
  const indexes = map.items.flatMap((pair, index) => (remove.has(keyText(pair) ?? '') ? [index] : []))
  return indexes.map((index, nth) => {
    const added = nth === 0 ? add : {}
    return map.flow === true ? flowSplice(config, map, index, added) : blockSplice(config, map, index, added)
  })
}

/**
 * Puts fields beside one that is there, such that taking them out again leaves the text as it was: before it in
 * block style, after it in flow style.
 *
 * @throws GuardError kubeconfig-invalid where the layout leaves no safe way
 */
export function spliceFieldsBeside(
  config: Kubeconfig,
  map: YAMLMap,
  beside: string,
  add: Readonly<Record<string, unknown>>,
): Splice {
  const pair = map.items.find((item) => keyText(item) === beside) as Pair<Node, Node | null>
  const key = startOf(pair.key)
  if (map.flow === true) {
    const at = contentEnd(pair.value ?? pair.key)
    return { from: at, to: at, text: `, ${renderFlowFields(add, undefined, lineEndOf(config.text, key))}` }
  }
  const from = lineStart(config, key)
  const text = renderBlock(add, config.text.slice(from, key), lineEndOf(config.text, from))
  return { from, to: from, text }
}

function blockSplice(config: Kubeconfig, map: YAMLMap, index: number, add: Record<string, unknown>): Splice {
  const pair = map.items[index] as Pair<Node, Node | null>
  const from = lineStart(config, startOf(pair.key))
  const to = lineAfter(config.text, contentEnd(pair.value ?? pair.key))
  const indent = config.text.slice(from, startOf(pair.key))
  const lineEnd = lineEndOf(config.text, from)
  const text = Object.keys(add).length === 0 ? '' : renderBlock(add, indent, lineEnd)
  return { from, to, text: endsLine(config.text, to) ? text : text.slice(0, -lineEnd.length || undefined) }
}

function flowSplice(config: Kubeconfig, map: YAMLMap, index: number, add: Record<string, unknown>): Splice {
  const pair = map.items[index] as Pair<Node, Node | null>
  const key = startOf(pair.key)
  const to = contentEnd(pair.value ?? pair.key)
  if (Object.keys(add).length > 0) {
    const indent = /^[ \t]*$/.exec(config.text.slice(config.text.lastIndexOf('\n', key - 1) + 1, key))?.[0]
    const ownLine = indent === '' && !config.text.slice(0, key).endsWith('\n') ? undefined : indent
    return { from: key, to, text: renderFlowFields(add, ownLine, lineEndOf(config.text, key)) }
  }
  const before = map.items[index - 1] as Pair<Node, Node | null> | undefined
  if (before === undefined) throw notEditable(config, key)
  return { from: contentEnd(before.value ?? before.key), to, text: '' }
}

/** Puts an entry into a list, right after another one. */
export function spliceItemAfter(config: Kubeconfig, list: YAMLSeq, index: number, entry: unknown): Splice {
  const end = contentEnd(list.items[index] as Node)
  const lineEnd = lineEndOf(config.text, end)
  if (list.flow === true) {
    const start = startOf(list.items[index] as Node)
    const indent = /^[ \t]+$/.exec(
      config.text.slice(config.text.lastIndexOf('\n', start - 1) + 1, start),
    )?.[0]
    const gap = indent === undefined ? ' ' : `${lineEnd}${indent}`
    return { from: end, to: end, text: `,${gap}${renderFlow(entry, indent, lineEnd)}` }
  }
  const at = lineAfter(config.text, end)
  const indent = ' '.repeat((list.srcToken as CST.BlockSequence).indent)
  const item = renderItem(entry, indent, lineEnd)
  return {
    from: at,
    to: at,
    text: endsLine(config.text, at) ? item : `${lineEnd}${item.slice(0, -lineEnd.length)}`,
  }
}

/** Takes an entry out of a list. */
export function spliceItemOut(config: Kubeconfig, list: YAMLSeq, index: number): Splice {
  const item = list.items[index] as Node
  if (list.flow !== true) {
    const token = (list.srcToken as CST.BlockSequence).items[index]
    const dash = token?.start.find(({ type }) => type === 'seq-item-ind')
    if (dash === undefined) throw notEditable(config, startOf(item))
    return { from: lineStart(config, dash.offset), to: lineAfter(config.text, contentEnd(item)), text: '' }
  }
  const [before, after] = [
    list.items[index - 1] as Node | undefined,
    list.items[index + 1] as Node | undefined,
  ]
  if (before !== undefined) return { from: contentEnd(before), to: contentEnd(item), text: '' }
  return { from: startOf(item), to: after === undefined ? contentEnd(item) : startOf(after), text: '' }
}

/** Puts another string in a scalar's place. */
export function spliceScalar(config: Kubeconfig, scalar: Scalar, value: string): Splice {
  const [from, to] = [startOf(scalar), scalar.range?.[1] ?? startOf(scalar)]
  if (scalar.type === 'BLOCK_LITERAL' || scalar.type === 'BLOCK_FOLDED') throw notEditable(config, from)
  return { from, to, text: renderScalar(value, scalar.type === 'QUOTE_DOUBLE') }
}

export function notEditable(config: Kubeconfig, offset: number): ReturnType<typeof invalidAt> {
  return invalidAt(
    config,
    offset,
    'this entry can’t be edited safely',
    'write it in plain block style, without anchors',
  )
}

/** Where the text of a node ends; unlike its range, without comments and empty lines that follow. */
function contentEnd(node: Node): number {
  if (isCollection(node) && node.flow !== true && node.items.length > 0) {
    const last = node.items.at(-1)
    if (isMap(node) && isPair(last)) return contentEnd((last.value ?? last.key) as Node)
    return contentEnd(last as Node)
  }
  const end = node.range?.[1] ?? 0
  return isScalar(node) && node.type?.startsWith('BLOCK') === true ? Math.max(end - 1, startOf(node)) : end
}

/** Start of the line, where nothing but spaces stand before the offset. */
function lineStart(config: Kubeconfig, offset: number): number {
  const start = config.text.lastIndexOf('\n', offset - 1) + 1
  if (offset === 0 || /^ *$/.test(config.text.slice(start, offset))) return offset === 0 ? 0 : start
  throw notEditable(config, offset)
}

function lineAfter(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end + 1
}

const endsLine = (text: string, offset: number): boolean => text[offset - 1] === '\n'

/** The line end in use at a place: that of its line, or of the one before. */
function lineEndOf(text: string, offset: number): string {
  const next = text.indexOf('\n', offset)
  const end = next === -1 ? text.lastIndexOf('\n') : next
  return text[end - 1] === '\r' ? '\r\n' : '\n'
}
