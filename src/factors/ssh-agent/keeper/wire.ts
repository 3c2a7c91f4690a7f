/** The few shapes of the SSH protocol that an agent's answers have (RFC 4251, section 5). */

/** Bytes with their length before them. */
export function packed(bytes: Uint8Array | string): Buffer {
  const body = Buffer.from(bytes as Uint8Array)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

/** What ends before it should, or is longer than it says. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'
}

/** Reads such bytes from the front. */
export class WireReader {
  #rest: Buffer

  constructor(bytes: Buffer) {
    this.#rest = bytes
  }

  get rest(): Buffer {
    return this.#rest
  }

  /** @throws MalformedError */
  bytes(): Buffer {
    const length = this.uint32()
    if (length > this.#rest.length) throw new MalformedError('it ends too early')
    return this.take(length)
  }

  uint32(): number {
    return this.take(4).readUInt32BE()
  }

  take(count: number): Buffer {
    if (count > this.#rest.length) throw new MalformedError('it ends too early')
    const taken = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(count)
    return taken
  }

  /** @throws MalformedError where something follows */
  end(): void {
    if (this.#rest.length > 0) throw new MalformedError('it is longer than it says')
  }
}
