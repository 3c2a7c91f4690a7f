import type { IMarker, Terminal } from '@xterm/headless'
import { newTerminal } from './new-terminal.ts'
import { overlayOn } from './overlay.ts'
import type { Overlay } from './overlay.ts'
import type { LogRecord } from './read-log.ts'
import { restoreScreen } from './restore-screen.ts'
import { nextPlain, scrolledOut } from './skip-scrolled-out.ts'

/** Lines that scroll out of the main screen while the program goes on unseen, and are shown afterwards. */
const mostScrolled = 1_000

/** ParserState.GROUND of the library's parser. */
const groundState = 0

interface Core {
  readonly buffers: {
    readonly normal: { readonly ybase: number; addMarker(row: number): IMarker }
    readonly active: { readonly scrollTop: number; readonly scrollBottom: number }
  }
  readonly _inputHandler: {
    readonly _parser: { readonly currentState: number }
    eraseInDisplay(parameters: { readonly params: readonly number[] }): boolean
  }
}

/** A terminal without a window, which has what the program wrote. */
export class ProgramScreen {
  #terminal: Terminal | undefined
  /** The uppermost row of the main screen when it was covered. */
  #covered: IMarker | undefined
  #title: string | undefined

  async take(record: LogRecord): Promise<void> {
    if (record.kind === 'size') this.#resize(record.cols, record.rows)
    else if (record.kind === 'cover') this.#cover()
    else await this.#write(record.bytes)
  }

  /** What draws it on a cleared screen: src/screen/restore-screen.ts. A title that was set unseen, too. */
  draw(): string {
    const terminal = this.#terminal
    if (terminal === undefined) return ''
    const title = this.#title === undefined ? '' : `\x1b]2;${this.#title}\x07`
    return restoreScreen(terminal, this.#scrolled(terminal)) + title
  }

  /** A line over its last one, and what takes it away: src/screen/overlay.ts. */
  overlay(text: string): Overlay | undefined {
    return this.#terminal === undefined ? undefined : overlayOn(this.#terminal, text)
  }

  #resize(cols: number, rows: number): void {
    if (this.#terminal !== undefined) return this.#terminal.resize(cols, rows)
    this.#terminal = newTerminal({ cols, rows, scrollback: mostScrolled })
    guardErase(this.#terminal)
    this.#terminal.onTitleChange((title) => {
      // eslint-disable-next-line no-control-regex
      if (this.#covered !== undefined) this.#title = title.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, ' ')
    })
  }

  #cover(): void {
    if (this.#terminal === undefined) return
    const { normal } = coreOf(this.#terminal).buffers
    this.#covered = normal.addMarker(normal.ybase)
  }

  /** A flood of lines is not drawn line by line: what it leaves is told from its end. */
  async #write(bytes: Buffer): Promise<void> {
    const terminal = this.#terminal
    if (terminal === undefined) return
    const kept = mostScrolled + 2 * terminal.rows
    let at = 0
    for (let plain = nextPlain(bytes, 0); plain !== undefined; plain = nextPlain(bytes, plain.end)) {
      const out = scrolledOut(bytes, plain, kept)
      if (out === undefined) continue
      await feed(terminal, bytes.subarray(at, out.begin))
      at = scrollsAll(terminal) ? out.end : out.begin
    }
    await feed(terminal, bytes.subarray(at))
  }

  #scrolled({ buffer: { normal } }: Terminal): number {
    if (this.#covered === undefined) return 0
    return normal.baseY - (this.#covered.isDisposed ? 0 : this.#covered.line)
  }
}

const feed = (terminal: Terminal, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => terminal.write(bytes, resolve))

/** Is a line that is written now one that moves all others up, and is it text, and not within a sequence? */
function scrollsAll(terminal: Terminal): boolean {
  const { buffers, _inputHandler: handler } = coreOf(terminal)
  const { scrollTop, scrollBottom } = buffers.active
  const isWhole = scrollTop === 0 && scrollBottom === terminal.rows - 1
  return isWhole && !terminal.modes.insertMode && handler._parser.currentState === groundState
}

const coreOf = (terminal: Terminal): Core => (terminal as unknown as { _core: Core })._core

/**
 * `CSI 1 J` behind the last column of the last row makes @xterm/headless 6.0.0 reach for a row that is not there, and
 * throw: a program could end the process with it. All that is shown is erased there.
 */
function guardErase(terminal: Terminal): void {
  terminal.parser.registerCsiHandler({ final: 'J' }, ([what]) => {
    const { cursorX, cursorY } = terminal.buffer.active
    if (what !== 1 || cursorX < terminal.cols - 1 || cursorY < terminal.rows - 1) return false
    return coreOf(terminal)._inputHandler.eraseInDisplay({ params: [2] })
  })
}
