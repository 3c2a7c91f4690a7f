import { Socket } from 'node:net'

type Done = (error?: Error | null) => void

/** What sending says when the other end has closed, with (ECONNRESET) or without bytes of ours unread. */
const closedThere = new Set(['EPIPE', 'ECONNRESET'])

/**
 * A socket that goes on listening after it can send no more. Node's own is destroyed by the first write that
 * fails; but a peer that refuses closes without reading on, and why it refused is here to be read by then.
 */
export class ListeningSocket extends Socket {
  override _write(chunk: Buffer, encoding: BufferEncoding, done: Done): void {
    super._write(chunk, encoding, (error) => done(isClosedThere(error) ? null : error))
  }
}

function isClosedThere(error: Error | null | undefined): boolean {
  return closedThere.has((error as NodeJS.ErrnoException | null | undefined)?.code ?? '')
}
