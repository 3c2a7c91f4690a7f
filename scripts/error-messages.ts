import { errorCatalogue } from '../src/domain/errors.ts'
import type { ErrorCode } from '../src/domain/errors.ts'

/** A message as a source has it: what is known only when it is said stands as `…`. */
export interface ErrorMessage {
  readonly code: ErrorCode
  readonly message: string
  /** Absent: put together where it is said. */
  readonly cure?: string | undefined
}

const isCode = (name: string): name is ErrorCode => name in errorCatalogue

/** Every `new GuardError('CODE', 'MESSAGE', { cure: … })` of a TypeScript source whose message stands there. */
export function messagesOfTypeScript(source: string): ErrorMessage[] {
  return [...source.matchAll(/new GuardError\(\s*'([a-z-]+)',\s*/g)].flatMap((found) => {
    const code = found[1] ?? ''
    const message = literalAt(source, found.index + found[0].length)
    if (!isCode(code) || message === undefined || !/\p{L}/u.test(message.text)) return []
    return [{ code, message: message.text, cure: cureAfter(source.slice(message.end), code) }]
  })
}

function cureAfter(rest: string, code: ErrorCode): string | undefined {
  const usual = errorCatalogue[code].cure
  if (/^\s*,?\s*\)/.test(rest) || /^,\s*\{\s*cause(?:: [\w.]+)?\s*\}/.test(rest)) return usual
  const said = /^,\s*\{\s*(?:cause(?:: [\w.]+)?,\s*)?cure:\s*/.exec(rest)
  return said === null ? undefined : literalAt(rest, said[0].length)?.text
}

/** @returns a string or template that begins there, each `${…}` as `…`; undefined where something else does, or goes on */
function literalAt(source: string, start: number): { text: string; end: number } | undefined {
  const quote = source[start] ?? ''
  if (!["'", '`', '"'].includes(quote)) return undefined
  let text = ''
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === quote) return /^\s*[?+]/.test(source.slice(at + 1)) ? undefined : { text, end: at + 1 }
    if (source[at] === '\\') text += source[++at]
    else if (quote === '`' && source.startsWith('${', at)) {
      at = endOfHole(source, at + 2)
      text += '…'
    } else text += source[at]
  }
  return undefined
}

function endOfHole(source: string, start: number): number {
  let depth = 1
  for (let at = start; at < source.length; at++) {
    if (source[at] === '{') depth += 1
    if (source[at] === '}') depth -= 1
    if (depth === 0) return at
  }
  return source.length
}

/** Every `fail(KG_EXIT_CODE, "MESSAGE", CURE)` of a C source; `fail_about` begins with a path. */
export function messagesOfC(source: string): ErrorMessage[] {
  const call =
    /\bfail(_about)?\(KG_EXIT_(\w+),\s*(?:\w+,\s*)?((?:"[^"]*"\s*)+),\s*(?:((?:"[^"]*"\s*)+)|KG_CURE_\w+)?/g
  return [...source.matchAll(call)].flatMap(([, about, name = '', message = '', cure]) => {
    const code = name.toLowerCase().replaceAll('_', '-')
    if (!isCode(code)) return []
    const start = about === undefined ? '' : '… '
    return [
      {
        code,
        message: start + joined(message),
        cure: cure === undefined ? errorCatalogue[code].cure : joined(cure),
      },
    ]
  })
}

const joined = (literals: string): string =>
  [...literals.matchAll(/"([^"]*)"/g)].map(([, text]) => text).join('')

/** The table of docs/errors.md, by the first words that are always the same. */
export function messageTable(messages: readonly ErrorMessage[]): string {
  const rows = messages.map(({ code, message, cure }) => {
    const cells = [message, `\`${code}\``, cure ?? '…'].map((cell) =>
      cell.replaceAll('|', String.raw`\|`).replaceAll('<', '&lt;'),
    )
    return { key: message.replaceAll(/^[^\p{L}]+/gu, '').toLowerCase(), row: `| ${cells.join(' | ')} |` }
  })
  const sorted = rows.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.row < b.row ? -1 : 1))
  const lines = new Set(sorted.map(({ row }) => row))
  return ['| message | code | cure |', '| --- | --- | --- |', ...lines].join('\n')
}
