import { readSync } from 'node:fs'

/** What the supervisor has noted (native/supervisor/log.c). */
export type LogRecord =
  | { readonly kind: 'output'; readonly bytes: Buffer }
  | { readonly kind: 'size'; readonly cols: number; readonly rows: number }
  /** From here on the program goes on unseen. */
  | { readonly kind: 'cover' }

const headBytes = 8
/** As much as the supervisor reads at once. */
const mostBytes = 64 * 1024

/** Reads a log in order, as far as it is told. */
export class LogReader {
  readonly #fd: number
  #at = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  /** @throws Error where the log is none of the supervisor's */
  *upTo(end: number): Generator<LogRecord> {
    while (this.#at < end) {
      const head = this.#read(headBytes)
      yield this.#record(head.readUInt32LE(0), head.readUInt32LE(4))
    }
  }

  #record(kind: number, value: number): LogRecord {
    if (kind === 1)
      return { kind: 'size', cols: Math.max(1, value >>> 16), rows: Math.max(1, value & 0xffff) }
    if (kind === 2) return { kind: 'cover' }
    if (kind !== 0 || value > mostBytes) throw new Error('the log can’t be read')
    return { kind: 'output', bytes: this.#read(value) }
  }

  #read(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    if (readSync(this.#fd, bytes, 0, length, this.#at) !== length) throw new Error('the log ends too early')
    this.#at += length
    return bytes
  }
}
