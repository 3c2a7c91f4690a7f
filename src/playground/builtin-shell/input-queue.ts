/** Bytes on their way to a program: what came and was not yet read. */
export class InputQueue {
  readonly #chunks: Buffer[] = []
  readonly #onRoom: () => void
  #isEnded = false
  #bytes = 0
  #wake: (() => void) | undefined

  /** @param onRoom called when all has been read, so that a paused source may go on. */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom
  }

  /** How much waits to be read. */
  get bytes(): number {
    return this.#bytes
  }

  push(bytes: Buffer): void {
    if (this.#isEnded || bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#bytes += bytes.length
    this.#wake?.()
  }

  end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  /** @returns the next bytes; undefined at the end, or once `signal` says not to wait any longer. */
  async read(signal: AbortSignal): Promise<Buffer | undefined> {
    while (this.#chunks.length === 0 && !this.#isEnded && !signal.aborted) await this.#change(signal)
    if (signal.aborted) return undefined
    const chunk = this.#chunks.shift()
    this.#bytes -= chunk?.length ?? 0
    if (this.#chunks.length === 0) this.#onRoom()
    return chunk
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#wake = done
      signal.addEventListener('abort', done)
    })
  }
}
