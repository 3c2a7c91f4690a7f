import type { IBuffer, IBufferCell, IBufferLine } from '@xterm/headless'
import { erasingPenOf, hasBackground, penOf } from './attributes.ts'
import type { Attributes } from './attributes.ts'

/** Cells have the methods of the pen, too; the typings leave out how a line under them looks. */
type Cell = IBufferCell & Attributes

export const cellAt = (line: IBufferLine, column: number): Cell | undefined =>
  line.getCell(column) as Cell | undefined

const isEmpty = (cell: Cell | undefined): boolean => cell?.getChars() === '' && cell.getWidth() !== 0

const isWide = (cell: Cell | undefined): boolean => cell?.getWidth() === 2

/**
 * What draws a buffer's rows, from `from` to its end, on a cleared screen of the same size: rows that are more than the
 * screen has scroll out of it.
 */
export function drawRows(
  buffer: IBuffer,
  from: number,
  { cols, rows }: { cols: number; rows: number },
): string {
  let drawn = ''
  for (let row = from; row < buffer.length; row += 1) {
    const line = buffer.getLine(row)
    if (line === undefined) break
    const flows = row > from && flowsOn(buffer.getLine(row - 1), line, cols)
    if (!flows) drawn += moveTo(row - from, rows)
    drawn += drawCells(line, cols, flows)
  }
  return drawn
}

/** A line that scrolls up takes the pen's background along. */
const moveTo = (row: number, rows: number): string =>
  row < rows ? `\x1b[${row + 1}H` : `\x1b[0m\x1b[${rows}H\n`

/** Goes a line on by itself in the next one? So it must be drawn: a terminal that is resized joins them. */
function flowsOn(before: IBufferLine | undefined, line: IBufferLine, cols: number): boolean {
  const first = cellAt(line, 0)
  if (before === undefined || !line.isWrapped || isEmpty(first)) return false
  if (!isEmpty(cellAt(before, cols - 1))) return true
  return isWide(first) && !isEmpty(cellAt(before, cols - 2))
}

/** Where the row may have a background already, empty cells are erased. */
export function drawCells(line: IBufferLine, cols: number, mayBeFilled: boolean): string {
  let drawn = ''
  let pen = ''
  for (let column = 0; column < cols; column += 1) {
    const cell = cellAt(line, column)
    if (cell === undefined || cell.getWidth() === 0) continue
    const empty = isEmpty(cell)
    const wanted = empty ? erasingPenOf(cell) : penOf(cell)
    if (!empty || hasBackground(cell) || mayBeFilled) {
      if (wanted !== pen) drawn += wanted
      pen = wanted
    }
    if (!empty) {
      drawn += cell.getChars()
      continue
    }
    const end = emptyUntil(line, column, cols, wanted)
    const erase = hasBackground(cell) || mayBeFilled ? `\x1b[${end - column}X` : ''
    // In the last column a cursor that moves on stays.
    drawn += end < cols ? `${erase}\x1b[${end - column}C` : erase
    column = end - 1
  }
  return drawn
}

/** Up to where the cells from here on are empty, and erased by this pen; the first may be taken for so. */
export function emptyUntil(line: IBufferLine, from: number, cols: number, pen: string): number {
  let end = from
  for (; end < cols; end += 1) {
    const cell = cellAt(line, end)
    if (cell === undefined || !isEmpty(cell) || erasingPenOf(cell) !== pen) break
  }
  return end
}
