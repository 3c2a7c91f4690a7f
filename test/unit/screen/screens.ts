import type { IBuffer, IBufferCell, Terminal } from '@xterm/headless'
import fc from 'fast-check'
import { newTerminal } from '../../../src/screen/new-terminal.ts'

/** A small one: edges are near. */
export const size = { cols: 20, rows: 6 }

export const smallTerminal = (): Terminal => newTerminal({ ...size, scrollback: 50 })

export const write = (terminal: Terminal, text: string): Promise<void> =>
  new Promise((resolve) => terminal.write(text, resolve))

const pens = ['', 1, 2, 3, 4, '4:3', '58:5:9', '58:2::1:2:3', 5, 7, 8, 9, 22, 24, 27, 31, 42, 39, 49, 91, 102]
const colours = ['38;5;123', '48;5;77', '38;2;1;2;3', '48;2;9;8;7', 53]
const modes = [1049, 7, 6, 1, 2004, 1004, 1000, 1002]
const texts = [
  'abc',
  'x',
  'hello world ',
  '漢字',
  '🚀x',
  'é',
  'a\u0301',
  '  ',
  'qqxx',
  '0123456789012345678901234',
]
const single = ['\r\n', '\n', '\r', '\b', '\t', '\x1bH', '\x0e', '\x0f', '\x1b(0', '\x1b(B', '\x1b)0']
const moving = ['\x1b7', '\x1b8', '\x1bM', '\x1b[4h', '\x1b[4l', '\x1b[3g']

const sequence = fc
  .tuple(fc.constantFrom('J', 'K', 'P', '@', 'X', 'L', 'M', 'S', 'T'), fc.nat(3))
  // `CSI 1 J` in the last corner: src/screen/program-screen.ts guards it.
  .map(([final, count]) => `\x1b[${final === 'J' && count === 1 ? 0 : count}${final}`)
const piece = fc.oneof(
  fc.constantFrom(...texts),
  fc.constantFrom(...single, ...moving),
  fc.tuple(fc.nat(size.rows + 1), fc.nat(size.cols + 1)).map(([row, column]) => `\x1b[${row};${column}H`),
  fc.tuple(fc.nat(3), fc.nat(3)).map(([top, more]) => `\x1b[${top};${top + more}r`),
  fc.constantFrom(...pens, ...colours).map((pen) => `\x1b[${pen}m`),
  fc.tuple(fc.constantFrom(...modes), fc.constantFrom('h', 'l')).map(([mode, to]) => `\x1b[?${mode}${to}`),
  sequence,
)
/** What a program may write. */
export const output = fc.array(piece, { minLength: 5, maxLength: 40 }).map((pieces) => pieces.join(''))

/** Of an empty cell its background alone is seen. */
function look(cell: IBufferCell | undefined): string {
  if (cell === undefined) return ''
  const background = [cell.getChars(), cell.getWidth(), cell.getBgColorMode(), cell.getBgColor()]
  if (cell.getChars() === '') return background.join()
  const drawn = [cell.getFgColorMode(), cell.getFgColor(), cell.isBold(), cell.isDim(), cell.isItalic()]
  const lines = [cell.isUnderline(), cell.isOverline(), cell.isStrikethrough()]
  return [...background, ...drawn, ...lines, cell.isBlink(), cell.isInverse(), cell.isInvisible()].join()
}

const rowsOf = (buffer: IBuffer): string[] =>
  Array.from({ length: size.rows }, (_, row) =>
    Array.from({ length: size.cols }, (__, column) =>
      look(buffer.getLine(buffer.baseY + row)?.getCell(column)),
    ).join('|'),
  )

/** All that shows, and the modes that a terminal tells of. */
export function seen(terminal: Terminal): unknown {
  const { active, normal } = terminal.buffer
  const behind = active.type === 'alternate' ? rowsOf(normal) : []
  return [rowsOf(active), behind, active.cursorX, active.cursorY, terminal.modes]
}
