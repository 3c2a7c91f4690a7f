import { FrameError, headerBytes, readHeader } from './frame.ts'
import type { Header } from './frame.ts'
import { limits } from './limits.ts'

export interface Frame extends Header {
  readonly body: Buffer
}

/**
 * Cuts a byte stream into frames, in order, within the limits. The bytes of a frame are joined only
 * when all of it has come, so a slow sender costs what it has sent and no more.
 */
export class FrameReader {
  #chunks: Buffer[] = []
  #bytes = 0

  /** @throws FrameError when the announced frame is too large. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    const frames: Frame[] = []
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame)
    return frames
  }

  /** Has a frame begun that is not complete? */
  get midFrame(): boolean {
    return this.#bytes > 0
  }

  #next(): Frame | undefined {
    if (this.#bytes < headerBytes) return undefined
    if ((this.#chunks[0]?.length ?? 0) < headerBytes) this.#join()
    const header = readHeader(this.#chunks[0] as Buffer)
    if (header.bodyBytes > limits.frameBytes) throw new FrameError('frame too large')
    const end = headerBytes + header.bodyBytes
    if (this.#bytes < end) return undefined
    const bytes = this.#join()
    this.#chunks = bytes.length > end ? [bytes.subarray(end)] : []
    this.#bytes -= end
    return { ...header, body: bytes.subarray(headerBytes, end) }
  }

  #join(): Buffer {
    const joined = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
    this.#chunks = [joined]
    return joined
  }
}
