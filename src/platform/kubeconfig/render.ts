import { Document, stringify } from 'yaml'
import type { Schema } from 'yaml'

/**
 * Quotes what YAML 1.1 would read as something else (`on`, `0123`): kubectl's parser is one. Strings of
 * several lines become one quoted line, which no indentation can change.
 */
const style = { version: '1.1', lineWidth: 0, indentSeq: false, blockQuote: false } as const

/** With the schema of that version made once: a large file has thousands of entries. */
const options = { ...style, schema: new Document(null, style).schema as Schema }

/** Block style, each line indented and ended; sequences stand at their key's column, as kubectl writes them. */
export function renderBlock(value: unknown, indent: string, lineEnd: string): string {
  const lines = stringify(value, options).trimEnd().split('\n')
  return lines.map((line) => `${indent}${line}${lineEnd}`).join('')
}

/** One entry of a block sequence. */
export function renderItem(value: unknown, indent: string, lineEnd: string): string {
  const inner = renderBlock(value, `${indent}  `, lineEnd)
  return `${indent}- ${inner.slice(indent.length + 2)}`
}

/** The fields of a mapping in flow style, which is JSON: `"a": 1, "b": 2`. */
export function renderFlowFields(
  fields: Readonly<Record<string, unknown>>,
  indent: string | undefined,
  lineEnd: string,
) {
  return Object.entries(fields)
    .map(([key, value]) => `${JSON.stringify(key)}: ${renderFlow(value, indent, lineEnd)}`)
    .join(indent === undefined ? ', ' : `,${lineEnd}${indent}`)
}

/** @param indent of the line that the value begins on, where it may take several; absent: all on one line */
export function renderFlow(value: unknown, indent: string | undefined, lineEnd: string): string {
  if (indent === undefined) return JSON.stringify(value)
  const step = indent.includes('\t') ? '\t' : '  '
  return JSON.stringify(value, undefined, step).replaceAll('\n', `${lineEnd}${indent}`)
}

/** A plain word stays plain, anything else is quoted. */
export function renderScalar(value: string, flow: boolean): string {
  return flow ? JSON.stringify(value) : stringify(value, options).trimEnd()
}
