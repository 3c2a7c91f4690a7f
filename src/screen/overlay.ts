import type { IBufferLine, Terminal } from '@xterm/headless'
import { penOf } from './attributes.ts'
import { chooseCharsets, drawsLetters, isBroughtBack } from './charsets.ts'
import { drawCells } from './draw-rows.ts'
import { placeCursor } from './restore-screen.ts'
import { coreOf } from './terminal-core.ts'
import type { Core } from './terminal-core.ts'

/** A line over the last one of a screen. */
export interface Overlay {
  readonly over: string
  /** What makes the screen as it was: written before anything else is. */
  readonly back: string
}

/** Cells and pens of @xterm/headless know of which link they are a part; the typings don't say so. */
interface Linked {
  readonly extended: { readonly urlId: number }
}

/** What terminals are not of one mind about: how wide it is. Its line may be another one than we think. */
const disputed = /\p{Emoji_Presentation}|\u200d|\ufe0f/u

/**
 * What draws this text over the last line, and what takes it away again. Cursor, pen, character sets, inserting, origin and
 * wrapping are afterwards as they were, each time; nothing that the program has saved is touched.
 * @returns undefined where that can't be put back for sure: what stood there before the program began, links, or characters
 * whose width is not certain.
 */
export function overlayOn(terminal: Terminal, text: string): Overlay | undefined {
  const { active } = terminal.buffer
  const core = coreOf(terminal)
  const line = active.getLine(active.baseY + terminal.rows - 1)
  if (line === undefined || !isSeenWhole(terminal) || !isCertain(terminal, core, line)) return undefined
  const begin = `${prepare(terminal, core)}\x1b[${terminal.rows};1H`
  const { cursorX, cursorY } = active
  const isBehind = cursorX >= terminal.cols && cursorY === terminal.rows - 1
  return {
    // Where the cursor stands behind the last column of that line, it stands in it meanwhile: nothing is written there.
    over: `${begin}\x1b[0;7m${cut(text, terminal.cols)}${finish(terminal, core, isBehind ? '' : placeCursor(terminal))}`,
    back: `${begin}${drawCells(line, terminal.cols, true)}${finish(terminal, core, placeCursor(terminal))}`,
  }
}

/**
 * A program begins in the midst of a person's main screen: what stands there, and in which row the cursor is, only the terminal
 * knows, until a line has scrolled out. From then on the last row is the last row, and all above it was written since.
 */
const isSeenWhole = ({ buffer: { active } }: Terminal): boolean =>
  active.type === 'alternate' || active.baseY > 0

/** Letters of one cell each: all others would need a terminal to be asked. */
function cut(text: string, cols: number): string {
  const letters = text.replaceAll(/[^\u0020-\u007e]/g, '?')
  return letters.length > cols ? letters.slice(0, cols) : letters.padEnd(cols)
}

function isCertain({ buffer: { active }, rows, cols }: Terminal, core: Core, last: IBufferLine): boolean {
  const pen = core._inputHandler._curAttrData as unknown as Linked
  const isLinked = Array.from(
    { length: cols },
    (_, column) => last.getCell(column) as unknown as Linked,
  ).some((cell) => cell.extended.urlId !== 0)
  if (isLinked || pen.extended.urlId !== 0 || (isBroughtBack(core) && !drawsLetters(core))) return false
  return Array.from({ length: rows }, (_, row) => active.getLine(active.baseY + row)).every(
    (line) => line === undefined || !disputed.test(line.translateToString(true)),
  )
}

function prepare({ modes }: Terminal, core: Core): string {
  return [
    modes.originMode ? '\x1b[?6l' : '',
    '\x1b[?7l',
    modes.insertMode ? '\x1b[4l' : '',
    drawsLetters(core) ? '' : '\x0f\x1b(B',
  ].join('')
}

function finish({ modes }: Terminal, core: Core, placed: string): string {
  return [
    modes.originMode ? '\x1b[?6h' : '',
    '\x1b[?7h',
    placed,
    penOf(core._inputHandler._curAttrData),
    drawsLetters(core) ? '' : chooseCharsets(core),
    modes.insertMode ? '\x1b[4h' : '',
    modes.wraparoundMode ? '' : '\x1b[?7l',
  ].join('')
}
