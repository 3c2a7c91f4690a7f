import { isDeepStrictEqual } from 'node:util'
import { isMap, isSeq, parseDocument, stringify } from 'yaml'
import type { Document, YAMLSeq } from 'yaml'
import { GuardError } from '../../domain/errors.ts'
import { isMapping } from '../../domain/policy-document.ts'

/** A policy as the file says it. */
export type RawPolicy = Readonly<Record<string, unknown>> & { readonly name: string }

export interface PolicyAddition {
  readonly policy: RawPolicy
  /** It comes before the policy of this name, or first where the file has none. */
  readonly before: string
  /** Stands above it as a comment. */
  readonly comment: string
}

/** @returns what the file itself says of a policy; undefined where it does not name it */
export function rawPolicy(text: string, name: string): RawPolicy | undefined {
  return rawPolicies(parseDocument(text)).find((policy) => policy.name === name)
}

/**
 * The text of a policy file with more policies, every other byte as it was. The result is read again and compared with
 * what was meant, so that an odd layout ends in an error and never in other rules.
 *
 * @throws GuardError policy-invalid where the layout leaves no safe way
 */
export function addPolicies(text: string, path: string, additions: readonly PolicyAddition[]): string {
  return additions.reduce((before, addition) => addPolicy(before, path, addition), text)
}

function addPolicy(text: string, path: string, { policy, before, comment }: PolicyAddition): string {
  const document = parseDocument(text)
  const known = rawPolicies(document)
  const found = known.findIndex(({ name }) => name === before)
  const at = Math.max(0, found)
  const place = placeOf(document, text, at)
  if (place === undefined) throw notEditable(path)
  const lineEnd = text.slice(0, place.from).endsWith('\r\n') ? '\r\n' : '\n'
  const lines = [`# ${comment}`, ...stringify([policy], { lineWidth: 0 }).trimEnd().split('\n')]
  const added = lines.map((line) => `${place.indent}${line}${lineEnd}`).join('')
  const result = text.slice(0, place.from) + added + text.slice(place.from)
  const wanted = known.toSpliced(at, 0, policy)
  if (!isDeepStrictEqual(rawPolicies(parseDocument(result)), wanted)) throw notEditable(path)
  return result
}

/** The start of the line where an item of the list begins, or of the comments right above it. */
function placeOf(
  document: Document,
  text: string,
  index: number,
): { readonly from: number; readonly indent: string } | undefined {
  const list = listOf(document)
  const item = list?.items[index] as { readonly range?: readonly [number, number, number] | null } | undefined
  if (list === undefined || list.flow === true || item?.range == null) return undefined
  const start = text.lastIndexOf('\n', item.range[0] - 1) + 1
  const indent = /^( *)- +$/.exec(text.slice(start, item.range[0]))?.[1]
  if (indent === undefined) return undefined
  let from = start
  for (;;) {
    const above = text.lastIndexOf('\n', from - 2) + 1
    if (from === 0 || !/^ *#/.test(text.slice(above, from))) return { from, indent }
    from = above
  }
}

function listOf({ contents }: Document): YAMLSeq | undefined {
  const list = isMap(contents) ? contents.get('policies') : undefined
  return isSeq(list) ? list : undefined
}

function rawPolicies(document: Document): RawPolicy[] {
  const raw: unknown = document.toJS({ maxAliasCount: 100 })
  const list: readonly unknown[] = isMapping(raw) && Array.isArray(raw['policies']) ? raw['policies'] : []
  return list.filter((policy): policy is RawPolicy => isMapping(policy))
}

const notEditable = (path: string): GuardError =>
  new GuardError('policy-invalid', `${path} is laid out in a way in which nothing can be added safely`, {
    cure: 'write the policy there yourself, then run it again',
  })
