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

const width = (cell: string): number => [...stripVTControlCharacters(cell)].length

const pad = (cell: string, to: number): string => cell + ' '.repeat(to - width(cell))
