import { stripVTControlCharacters } from 'node:util'

/**
 * Columns as wide as their widest cell, two spaces apart, no trailing blanks. Cells may be coloured; a
 * column is left out where every cell of it is empty.
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const used = head.map((_, column) => rows.some((row) => (row[column] ?? '') !== ''))
  const all = [head, ...rows].map((row) => row.filter((_, column) => used[column]))
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))))
  return all.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** East Asian wide and fullwidth characters and emoji, which terminals show two columns wide (UAX #11). */
const wide =
  /[\u{1100}-\u{115f}\u{2e80}-\u{a4cf}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}\u{ff00}-\u{ff60}\u{ffe0}-\u{ffe6}\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const withoutWidth = /[\p{Mn}\p{Me}\p{Cf}]/u

/** How many columns of a terminal a text takes. */
export function width(cell: string): number {
  let columns = 0
  for (const character of stripVTControlCharacters(cell))
    columns += withoutWidth.test(character) ? 0 : wide.test(character) ? 2 : 1
  return columns
}

/** Lines of at most so many columns, broken between words, and within one that is longer. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').flatMap((long) => chunks(long, columns))) {
    if (line === '') line = word
    else if (width(line) + 1 + width(word) <= columns) line += ` ${word}`
    else {
      lines.push(line)
      line = word
    }
  }
  return [...lines, line]
}

function chunks(word: string, columns: number): string[] {
  if (width(word) <= columns) return [word]
  const parts: string[] = []
  let part = ''
  for (const character of word) {
    if (part !== '' && width(part + character) > columns) {
      parts.push(part)
      part = ''
    }
    part += character
  }
  return [...parts, part]
}

const pad = (cell: string, to: number): string => cell + ' '.repeat(to - width(cell))
