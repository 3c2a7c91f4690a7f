import { GuardError } from '../domain/errors.ts'
import { FrameReader } from '../protocol/channel.ts'
import type { Frame } from '../protocol/channel.ts'
import { FrameError } from '../protocol/frame.ts'
import { protocolVersion } from '../protocol/messages.ts'

/** Ticket, two passphrases and their headers, with room to spare. */
const usualBytes = 8 * 1024

/** Reads one frame and not a byte more; keeps the pieces it came in, so that they can be wiped. */
export class RequestReader {
  readonly #reader = new FrameReader()
  readonly #pieces: Buffer[] = []
  readonly #mostBytes: number
  #bytes = 0

  constructor(mostBytes = usualBytes) {
    this.#mostBytes = mostBytes
  }

  /** @throws FrameError, GuardError version-mismatch */
  push(chunk: Buffer): Frame | undefined {
    this.#pieces.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes > this.#mostBytes) throw new FrameError('frame too large')
    const [frame, another] = this.#reader.push(chunk)
    if (frame === undefined) return undefined
    this.#pieces.push(frame.body)
    if (another !== undefined || this.#reader.midFrame) throw new FrameError('more than one request')
    if (frame.version !== protocolVersion) {
      throw new GuardError('version-mismatch', 'the keeper and its client are of different versions')
    }
    return frame
  }

  /** Overwrites what was read: a passphrase must not lie about for the rest of the session. */
  wipe(): void {
    for (const piece of this.#pieces) piece.fill(0)
  }
}
