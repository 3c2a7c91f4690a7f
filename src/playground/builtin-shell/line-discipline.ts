import type { Terminal, TerminalSize } from './program.ts'

export interface LineDisciplineOptions {
  readonly echo: (bytes: Buffer) => void
  /** A line was finished, or in raw mode any keys came. */
  readonly deliver: (bytes: Buffer) => void
  /** Ctrl-D on an empty line. */
  readonly end: () => void
  /** Ctrl-C. */
  readonly interrupt: () => void
}

const ctrlC = 0x03
const ctrlD = 0x04
const backspace = 0x08
const ctrlU = 0x15
const erase = 0x7f
const newline = 0x0a
const carriageReturn = 0x0d
const longestLine = 4096

/** What a kernel's terminal does between the keys and a program: echo, line editing, Ctrl-C, Ctrl-D. */
export class LineDiscipline implements Terminal {
  readonly #options: LineDisciplineOptions
  readonly #listeners = new Set<() => void>()
  #size: TerminalSize = { columns: 80, rows: 24 }
  #mode: 'line' | 'raw' = 'line'
  #line: number[] = []

  constructor(options: LineDisciplineOptions) {
    this.#options = options
  }

  get size(): TerminalSize {
    return this.#size
  }

  setMode(mode: 'line' | 'raw'): void {
    this.#mode = mode
    this.#line = []
  }

  onResize(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  resize(size: TerminalSize): void {
    this.#size = size
    for (const listener of this.#listeners) listener()
  }

  /** Takes keys as the client's terminal sent them. */
  type(keys: Buffer): void {
    if (this.#mode === 'raw') this.#options.deliver(keys)
    else for (const key of keys) this.#key(key)
  }

  #key(key: number): void {
    const { echo, end, interrupt } = this.#options
    if (key === carriageReturn || key === newline) {
      echo(Buffer.from('\r\n'))
      this.#finish([newline])
    } else if (key === ctrlC) {
      echo(Buffer.from('^C\r\n'))
      this.#line = []
      interrupt()
    } else if (key === ctrlD) {
      if (this.#line.length === 0) end()
      else this.#finish([])
    } else if (key === erase || key === backspace) {
      if (this.#eraseCharacter()) echo(Buffer.from('\b \b'))
    } else if (key === ctrlU) {
      echo(Buffer.from('\b \b'.repeat(this.#line.length)))
      this.#line = []
    } else if (key >= 0x20 && this.#line.length < longestLine) {
      this.#line.push(key)
      echo(Buffer.of(key))
    }
  }

  /** A character may be several bytes of UTF-8: those after its first begin with the bits 10. */
  #eraseCharacter(): boolean {
    let last = this.#line.pop()
    const isThere = last !== undefined
    while (last !== undefined && (last & 0xc0) === 0x80) last = this.#line.pop()
    return isThere
  }

  #finish(terminator: number[]): void {
    const line = Buffer.from([...this.#line, ...terminator])
    this.#line = []
    this.#options.deliver(line)
  }
}
