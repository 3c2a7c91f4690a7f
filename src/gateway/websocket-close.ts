/** RFC 6455, 5.2: where a frame ends in bytes that one side sends. */
export class FrameBoundary {
  /** Of the payload that is still to come. */
  #left = 0
  #header = Buffer.alloc(0)

  /** May a frame of our own follow what was pushed so far? */
  get isBetweenFrames(): boolean {
    return this.#left === 0 && this.#header.length === 0
  }

  push(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, rest.length)
        this.#left -= taken
        rest = rest.subarray(taken)
        continue
      }
      rest = this.#readHeader(rest)
    }
  }

  /** @returns what follows the header, or nothing where it is not whole yet */
  #readHeader(rest: Buffer): Buffer {
    const before = this.#header.length
    this.#header = Buffer.concat([this.#header, rest.subarray(0, longestHeader - before)])
    const bytes = headerBytes(this.#header)
    if (bytes === undefined || this.#header.length < bytes) return Buffer.alloc(0)
    this.#left = payloadBytes(this.#header)
    this.#header = Buffer.alloc(0)
    return rest.subarray(bytes - before)
  }
}

const longestHeader = 14
const maskBytes = 4

function headerBytes(header: Buffer): number | undefined {
  const second = header[1]
  if (second === undefined) return undefined
  const length = second & 0x7f
  const lengthBytes = length === 126 ? 2 : length === 127 ? 8 : 0
  return 2 + lengthBytes + ((second & 0x80) === 0 ? 0 : maskBytes)
}

function payloadBytes(header: Buffer): number {
  const length = (header[1] as number) & 0x7f
  if (length === 126) return header.readUInt16BE(2)
  return length === 127 ? Number(header.readBigUInt64BE(2)) : length
}

/** Policy violation (RFC 6455, 7.4.1). */
const closeCode = 1008
/** A control frame's payload has 125 bytes at most. */
const mostReasonBytes = 123

/** A close frame, as a server sends it. */
export function closeFrame(reason: string): Buffer {
  let text = Buffer.from(reason)
  // Never in the middle of a character.
  for (let end = reason.length; text.length > mostReasonBytes; end -= 1)
    text = Buffer.from(reason.slice(0, end))
  const frame = Buffer.alloc(4 + text.length)
  frame[0] = 0x88
  frame[1] = 2 + text.length
  frame.writeUInt16BE(closeCode, 2)
  text.copy(frame, 4)
  return frame
}
