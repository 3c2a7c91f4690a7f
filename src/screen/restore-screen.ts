import type { Terminal } from '@xterm/headless'
import { penOf } from './attributes.ts'
import type { Attributes } from './attributes.ts'
import { cellAt, drawRows } from './draw-rows.ts'

/** What a terminal's program can have set and the typings don't show; @xterm/headless is pinned for their sake. */
interface Inner {
  readonly scrollTop: number
  readonly scrollBottom: number
  readonly savedX: number
  readonly savedY: number
  readonly savedCurAttrData: Attributes
  readonly savedCharset: Charset | undefined
  readonly tabs: Readonly<Record<number, boolean>>
}

type Charset = Readonly<Record<string, string>>

interface Core {
  readonly buffers: { readonly normal: Inner; readonly alt: Inner; readonly active: Inner }
  readonly _inputHandler: { readonly _curAttrData: Attributes }
  readonly _charsetService: {
    readonly glevel: number
    readonly _charsets: readonly (Charset | undefined)[]
  }
  readonly coreService: {
    readonly decPrivateModes: { readonly cursorStyle?: string; readonly cursorBlink?: boolean }
  }
}

const coreOf = (terminal: Terminal): Core => (terminal as unknown as { _core: Core })._core

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
  const main = drawRows(normal, from, terminal) + saved(core.buffers.normal, onAlternate)
  const alt = onAlternate
    ? `\x1b[?1049h\x1b(B\x1b[H${drawRows(alternate, 0, terminal)}${saved(core.buffers.alt, false)}`
    : ''
  return (
    main +
    alt +
    tabs(core.buffers.active, terminal.cols) +
    region(core.buffers.active, terminal.rows) +
    rest(terminal, core)
  )
}

/** DECSC, which keeps the character set, too; switching to the alternate screen saves by itself. */
function saved({ savedX, savedY, savedCurAttrData, savedCharset }: Inner, bySwitching: boolean): string {
  const pen = penOf(savedCurAttrData)
  const place = `\x1b[${savedY + 1};${savedX + 1}H${pen}`
  const set = nameOf(savedCharset)
  const [choose, leave] = set === 'B' ? ['', ''] : [`\x1b(${set}`, '\x1b(B']
  // The switch is still to come; the character sets are chosen once more behind it.
  if (bySwitching) return place + choose
  return savedX === 0 && savedY === 0 && pen === '\x1b[0m' && set === 'B'
    ? ''
    : `${place}${choose}\x1b7${leave}`
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
  return [
    modes.originMode ? '\x1b[?6h' : '',
    cursor(terminal, modes.originMode ? core.buffers.active.scrollTop : 0),
    penOf(core._inputHandler._curAttrData),
    charsets(core),
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
function cursor({ buffer: { active }, cols }: Terminal, top: number): string {
  const { cursorX, cursorY, baseY } = active
  const row = cursorY - top + 1
  const line = active.getLine(baseY + cursorY)
  if (cursorX < cols || line === undefined) return `\x1b[${row};${cursorX + 1}H`
  const column = cellAt(line, cols - 1)?.getWidth() === 0 ? cols - 2 : cols - 1
  const cell = cellAt(line, column)
  const place = `\x1b[${row};${column + 1}H`
  return cell === undefined || cell.getChars() === '' ? place : `${place}${penOf(cell)}${cell.getChars()}`
}

/** Lines and, for the British, a pound: the sets that programs of today still choose. */
function nameOf(set: Charset | undefined): '0' | 'A' | 'B' {
  if (set?.['q'] === '─') return '0'
  return set?.['#'] === '£' ? 'A' : 'B'
}

const intermediates = ['(', ')', '*', '+']

function charsets({ _charsetService: { glevel, _charsets } }: Core): string {
  const chosen = intermediates.map((intermediate, index) => {
    const set = _charsets[index]
    if (set === undefined) return ''
    return `\x1b${intermediate}${nameOf(set)}`
  })
  const shift = ['', '\x0e', '\x1bn', '\x1bo'][glevel] ?? ''
  return chosen.join('') + shift
}

function cursorStyle({
  coreService: {
    decPrivateModes: { cursorStyle: style, cursorBlink },
  },
}: Core): string {
  const number = { block: 1, underline: 3, bar: 5 }[style ?? '']
  return number === undefined ? '' : `\x1b[${cursorBlink === false ? number + 1 : number} q`
}
