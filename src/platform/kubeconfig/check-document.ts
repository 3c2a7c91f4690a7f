import { isCollection, isMap, isScalar, visit } from 'yaml'
import type { Alias, Document, Node } from 'yaml'
import { GuardError } from '../../domain/errors.ts'

/** Something that makes a document unusable, and where it begins. */
export interface Objection {
  readonly offset: number
  readonly wrong: string
  readonly cure?: string
}

/** What to do about anchors and aliases that can't be used. */
export const withoutAliases = 'write the file without anchors and aliases'

const circle = { wrong: 'this alias leads in a circle', cure: withoutAliases }

/**
 * Looks at every node once: what each alias stands for, which is the last node before it with that anchor
 * (YAML 1.2.2, 7.1), and the first thing that kubectl would refuse as well. The parser's own ways to do either
 * take time that grows with the square of the file.
 */
export function checkDocument(document: Document): {
  targets: ReadonlyMap<Alias, Node>
  objection: Objection | undefined
} {
  const anchors = new Map<string, Node>()
  const targets = new Map<Alias, Node>()
  let objection: Objection | undefined
  const object = (found: Omit<Objection, 'offset'>, node: Node): symbol => {
    objection = { ...found, offset: node.range?.[0] ?? 0 }
    return visit.BREAK
  }
  visit(document, {
    Node: (_, node) => {
      if ('anchor' in node && node.anchor !== undefined) anchors.set(node.anchor, node)
      const repeated = isMap(node) ? repeatedKey(node.items.map(({ key }) => key)) : undefined
      return repeated === undefined
        ? undefined
        : object({ wrong: 'the same key stands here twice' }, repeated)
    },
    Alias: (_, alias, path) => {
      const target = anchors.get(alias.source)
      if (target === undefined) return undefined
      targets.set(alias, target)
      const isInside = isCollection(target) && path.includes(target)
      return isInside ? object(circle, alias) : undefined
    },
  })
  return { targets, objection }
}

function repeatedKey(keys: readonly unknown[]): Node | undefined {
  const seen = new Set<unknown>()
  for (const key of keys) {
    if (!isScalar(key)) continue
    if (seen.has(key.value)) return key
    seen.add(key.value)
  }
  return undefined
}

/** Lines and entries of a file that could be parsed in reasonable time and memory: ten thousands of users. */
const mostParts = 300_000

const [lineEnd, comma] = [0x0a, 0x2c]

/** A few bytes each can take gigabytes as nodes. @throws GuardError kubeconfig-invalid with file, line and column */
export function refuseTooMany(path: string, text: string): void {
  let parts = 0
  let [line, lineStart] = [1, 0]
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code !== lineEnd && code !== comma) continue
    parts += 1
    if (parts > mostParts) {
      const place = `${path}:${line}:${at - lineStart + 1}`
      const message = `${place}: more than ${mostParts.toLocaleString('en')} lines and entries end here`
      throw new GuardError('kubeconfig-invalid', message)
    }
    if (code === lineEnd) [line, lineStart] = [line + 1, at + 1]
  }
}
