import { readSync } from 'node:fs'

/** What the supervisor has noted (native/supervisor/log.c). */
export type LogRecord =
  | { readonly kind: 'output'; readonly bytes: Buffer }
  | { readonly kind: 'size'; readonly cols: number; readonly rows: number }
  /** From here on the program goes on unseen. */
  | { readonly kind: 'cover' }

const headBytes = 8
const chunkBytes = 4 * 1024 * 1024

/** Reads a log in order, as far as it is told. */
export class LogReader {
  readonly #fd: number
  #at = 0
  /** What was read and is no whole record yet. */
  #rest: Buffer = Buffer.alloc(0)

  constructor(fd: number) {
    this.#fd = fd
  }

  /**
   * Output that was written in many pieces comes in few: a terminal takes its time for each.
   * @param begin where the log begins: what stood before, it has no more
   * @throws Error where the log is none of the supervisor's
   */
  *upTo(end: number, begin = 0): Generator<LogRecord> {
    this.#at = Math.max(this.#at, begin)
    while (this.#at < end) {
      const output: Buffer[] = []
      for (const record of this.#records(this.#readChunk(end))) {
        if (record.kind === 'output') {
          output.push(record.bytes)
          continue
        }
        if (output.length > 0) yield { kind: 'output', bytes: Buffer.concat(output.splice(0)) }
        yield record
      }
      if (output.length > 0) yield { kind: 'output', bytes: Buffer.concat(output) }
    }
    if (this.#rest.length > 0) throw new Error('the log ends within a record')
  }

  #readChunk(end: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.min(chunkBytes, end - this.#at))
    if (readSync(this.#fd, bytes, 0, bytes.length, this.#at) !== bytes.length)
      throw new Error('the log ends too early')
    this.#at += bytes.length
    return this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
  }

  *#records(chunk: Buffer): Generator<LogRecord> {
    let at = 0
    while (chunk.length - at >= headBytes) {
      const [kind, value] = [chunk.readUInt32LE(at), chunk.readUInt32LE(at + 4)]
      const end = at + headBytes + (kind === 0 ? value : 0)
      if (end > chunk.length) break
      yield recordOf(kind, value, chunk.subarray(at + headBytes, end))
      at = end
    }
    this.#rest = chunk.subarray(at)
    if (this.#rest.length > chunkBytes) throw new Error('the log can’t be read')
  }
}

function recordOf(kind: number, value: number, bytes: Buffer): LogRecord {
  if (kind === 0) return { kind: 'output', bytes }
  if (kind === 1) return { kind: 'size', cols: Math.max(1, value >>> 16), rows: Math.max(1, value & 0xffff) }
  if (kind === 2) return { kind: 'cover' }
  throw new Error('the log can’t be read')
}
