import { stripVTControlCharacters } from 'node:util'

/** Where a table must fit a terminal: columns that may shrink lose the tails of their cells, the widest first. */
export interface Fit {
  readonly columns: number
  /** Names of columns whose cells carry no colour. */
  readonly mayShrink: readonly string[]
}

const gap = '  '
/** Cells narrower than this say nothing any more: on a terminal so narrow lines are broken instead. */
const narrowest = 8

/**
 * Columns as wide as their widest cell, two spaces apart, no trailing blanks. Cells may be coloured; a
 * column is left out where every cell of it is empty.
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[], fit?: Fit): string[] {
  const used = head.map((_, column) => rows.some((row) => (row[column] ?? '') !== ''))
  const all = [head, ...rows].map((row) => row.filter((_, column) => used[column]))
  const titles = (all[0] ?? []).map((title) => stripVTControlCharacters(title))
  const natural = titles.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))))
  const widths = fit === undefined ? natural : shrunk(titles, natural, fit)
  return all.map((row) =>
    row
      .map((cell, column) => pad(cut(cell, widths[column] ?? 0), widths[column] ?? 0))
      .join(gap)
      .trimEnd(),
  )
}

function shrunk(titles: readonly string[], natural: readonly number[], fit: Fit): number[] {
  const widths = [...natural]
  const candidates = titles.flatMap((title, column) => (fit.mayShrink.includes(title) ? [column] : []))
  const total = (): number => widths.reduce((sum, one) => sum + one, gap.length * (widths.length - 1))
  while (total() > fit.columns) {
    const [widest] = candidates.toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))
    if (widest === undefined || (widths[widest] ?? 0) <= narrowest) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

/** A cell that is too wide ends in `…`. */
function cut(cell: string, to: number): string {
  if (width(cell) <= to) return cell
  return `${chunks(cell, to - 1)[0] ?? ''}…`
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
