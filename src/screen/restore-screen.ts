import type { Terminal } from '@xterm/headless'
import { erasingPenOf, penOf } from './attributes.ts'
import { chooseCharsets, isBroughtBack, nameOf } from './charsets.ts'
import { cellAt, drawRows, emptyUntil } from './draw-rows.ts'
import { coreOf } from './terminal-core.ts'
import type { Core, Inner } from './terminal-core.ts'

/**
 * The bytes that make a new terminal of the same size, or one that was put back and cleared, look and behave like
 * this one: both screens, cursor, pen, what was saved, scrolling region, tab stops, character sets and modes.
 * `scrolled` rows above the main screen are drawn first.
 */
export function restoreScreen(terminal: Terminal, scrolled = 0): string {
  const { normal, alternate, active } = terminal.buffer
  const core = coreOf(terminal)
  const onAlternate = active.type === 'alternate'
  const from = Math.max(0, normal.baseY - scrolled)
  // The other screen may have a region of its own.
  const behind = onAlternate ? region(core.buffers.normal, terminal.rows) : ''
  const main = drawRows(normal, from, terminal) + behind + saved(core.buffers.normal, onAlternate)
  const alt = onAlternate
    ? `\x1b[?1049h\x1b(B${behind === '' ? '' : '\x1b[r'}\x1b[0m\x1b[2J\x1b[H${drawRows(alternate, 0, terminal)}${saved(core.buffers.alt, false)}`
    : ''
  return (
    main +
    alt +
    tabs(core.buffers.active, terminal.cols) +
    region(core.buffers.active, terminal.rows) +
    rest(terminal, core)
  )
}

/**
 * DECSC, which keeps the character set, too; switching to the alternate screen saves by itself, that of a lock screen also:
 * so what was never saved is said, too.
 */
function saved(
  { ybase, savedX, savedY, savedCurAttrData, savedCharset }: Inner,
  bySwitching: boolean,
): string {
  const pen = penOf(savedCurAttrData)
  const row = Math.max(0, savedY - ybase)
  const place = `\x1b[${row + 1};${savedX + 1}H${pen}`
  const set = nameOf(savedCharset)
  const [choose, leave] = set === 'B' ? ['', ''] : [`\x1b(${set}`, '\x1b(B']
  // The switch is still to come; the character sets are chosen once more behind it.
  return bySwitching ? place + choose : `${place}${choose}\x1b7${leave}`
}

/** Every eighth column, unless the program has said otherwise. */
function tabs({ tabs: stops }: Inner, cols: number): string {
  const all = Array.from({ length: cols }, (_, column) => column)
  if (all.every((column) => (stops[column] === true) === (column % 8 === 0))) return ''
  return `\x1b[3g${all
    .filter((column) => stops[column] === true)
    .map((column) => `\x1b[${column + 1}G\x1bH`)
    .join('')}`
}

function region({ scrollTop, scrollBottom }: Inner, rows: number): string {
  return scrollTop === 0 && scrollBottom === rows - 1 ? '' : `\x1b[${scrollTop + 1};${scrollBottom + 1}r`
}

/** In this order: the first of these move the cursor, and the last change how it is moved. */
function rest(terminal: Terminal, core: Core): string {
  const { modes } = terminal
  const sets = chooseCharsets(core)
  // It moves the cursor, and does so again.
  const restores =
    isBroughtBack(core) && nameOf(core._charsetService.charset) === nameOf(core.buffers.active.savedCharset)
  return [
    modes.originMode ? '\x1b[?6h' : '',
    restores ? `${sets}\x1b8` : '',
    placeCursor(terminal),
    penOf(core._inputHandler._curAttrData),
    restores ? '' : sets,
    cursorStyle(core),
    modes.insertMode ? '\x1b[4h' : '',
    modes.wraparoundMode ? '' : '\x1b[?7l',
    modes.reverseWraparoundMode ? '\x1b[?45h' : '',
    modes.applicationCursorKeysMode ? '\x1b[?1h' : '',
    modes.applicationKeypadMode ? '\x1b=' : '',
    modes.bracketedPasteMode ? '\x1b[?2004h' : '',
    modes.sendFocusMode ? '\x1b[?1004h' : '',
    mouse[modes.mouseTrackingMode],
  ].join('')
}

const mouse = {
  none: '',
  x10: '\x1b[?9h',
  vt200: '\x1b[?1000h',
  drag: '\x1b[?1002h',
  any: '\x1b[?1003h',
} as const

/** Behind the last column, the cursor stands where only a character brings it: the one there is drawn once more. */
export function placeCursor(terminal: Terminal): string {
  const {
    buffer: { active },
    cols,
    modes,
  } = terminal
  const { cursorX, cursorY, baseY } = active
  const row = cursorY - (modes.originMode ? coreOf(terminal).buffers.active.scrollTop : 0) + 1
  const line = active.getLine(baseY + cursorY)
  if (cursorX < cols || line === undefined) return `\x1b[${row};${cursorX + 1}H`
  const column = cellAt(line, cols - 1)?.getWidth() === 0 ? cols - 2 : cols - 1
  const cell = cellAt(line, column)
  const place = `\x1b[${row};${column + 1}H`
  if (cell === undefined) return place
  if (cell.getChars() !== '') return `${place}${penOf(cell)}${cell.getChars()}`
  // What erases all of a line leaves the cursor there.
  return emptyUntil(line, 0, cols, erasingPenOf(cell)) === cols
    ? `${place}${erasingPenOf(cell)} \x1b[2K`
    : place
}

function cursorStyle({
  coreService: {
    decPrivateModes: { cursorStyle: style, cursorBlink },
  },
}: Core): string {
  const number = { block: 1, underline: 3, bar: 5 }[style ?? '']
  return number === undefined ? '' : `\x1b[${cursorBlink === false ? number + 1 : number} q`
}
