import type { Socket } from 'node:net'
import { errorCatalogue, GuardError } from '../domain/errors.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { peerOf } from '../platform/peer.ts'
import type { Frame } from '../protocol/channel.ts'
import { encodeError, FrameError } from '../protocol/frame.ts'
import { limits } from '../protocol/limits.ts'
import { RequestReader } from './request-reader.ts'

/** One request of one connection. Its bytes are wiped when the answer is there. */
export interface Call {
  readonly frame: Frame
  /** From SO_PEERCRED, so as of connect(2). */
  readonly pid: number
  /** Resolves when nobody waits for the answer any more. */
  readonly gone: Promise<void>
  /** Ends the connection. */
  readonly close: () => void
}

/** An answer after which the same client may ask again, on the same connection. */
export interface Ongoing {
  readonly bytes: Buffer
  readonly next: Answer
  /** The next request begins within this time. */
  readonly withinMs: number
}

export type Answer = (call: Call) => Promise<Buffer | Ongoing>

/**
 * Serves one client: reads one request within the time and size that it needs, answers, closes; or goes on, where the
 * answer says so. A client's mistake costs it this connection. Resolves when the connection is gone.
 */
export class Connection {
  readonly #socket: Socket
  #answer: Answer
  #reader = new RequestReader()
  readonly done: Promise<void>
  readonly #gone: Promise<void>
  #deadline: NodeJS.Timeout | undefined
  #answering = false

  constructor(socket: Socket, answer: Answer) {
    this.#socket = socket
    this.#answer = answer
    this.done = new Promise((resolve) => socket.once('close', () => resolve()))
    this.#gone = new Promise((resolve) => {
      socket.once('close', () => resolve())
      socket.once('end', () => resolve())
    })
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#cleanUp())
    const pid = ownPeer(socket)
    if (pid === undefined) socket.destroy()
    else this.#listen(pid)
  }

  /** Closes it unless an answer is on its way. */
  closeIfIdle(): void {
    if (!this.#answering) this.#socket.destroy()
  }

  #listen(pid: number): void {
    this.#allow(limits.idleConnectionMs)
    this.#socket.once('data', () => this.#allow(limits.frameTimeoutMs))
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk, pid))
    // Half-open: what it has said is answered, but there is nothing more to wait for.
    this.#socket.on('end', () => this.closeIfIdle())
  }

  #receive(chunk: Buffer, pid: number): void {
    if (this.#answering) return void chunk.fill(0)
    try {
      const frame = this.#reader.push(chunk)
      if (frame === undefined) return
      const close = (): void => void this.#socket.destroy()
      void this.#respond(this.#answer({ frame, pid, gone: this.#gone, close }))
    } catch (error) {
      void this.#respond(Promise.reject(error))
    }
  }

  async #respond(answer: Promise<Buffer | Ongoing>): Promise<void> {
    this.#answering = true
    clearTimeout(this.#deadline)
    const given = await answer.catch(errorReply)
    this.#reader.wipe()
    if (this.#socket.destroyed) return
    if ('next' in given) return this.#goOn(given)
    this.#allow(limits.frameTimeoutMs)
    // Written is sent: a shutdown before the close would say nothing more, and is one more request to the kernel.
    this.#socket.write(given, () => this.#socket.destroy())
  }

  /** Whoever came so far has had a ticket: what it says next may be as large as a frame. */
  #goOn({ bytes, next, withinMs }: Ongoing): void {
    this.#answer = next
    this.#reader = new RequestReader(limits.frameBytes)
    this.#answering = false
    this.#allow(withinMs)
    this.#socket.write(bytes)
  }

  #allow(ms: number): void {
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(() => this.#socket.destroy(), ms)
  }

  #cleanUp(): void {
    clearTimeout(this.#deadline)
    if (!this.#answering) this.#reader.wipe()
  }
}

/** @returns the pid at the other end, or undefined when it is not this account's or can't be seen. */
function ownPeer(socket: Socket): number | undefined {
  try {
    const { pid, uid } = peerOf(socket)
    return uid === process.getuid?.() && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

function errorReply(error: unknown): Buffer {
  const { code, message, cure, exitCode } = toGuardError(error)
  return encodeError({ code, message, cure, exitCode })
}

/** The text of an unknown error could quote anything, so it is left out. */
export function toGuardError(error: unknown): GuardError {
  if (error instanceof GuardError) return error
  if (error instanceof FrameError) return new GuardError('protocol-error', error.message)
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return new GuardError('internal', `the keeper failed${typeof code === 'string' ? ` (${code})` : ''}`)
}

/** What the daemon answers where it does not accept an unlock. */
export function refusedWith(refusal: string | undefined): GuardError {
  const code =
    refusal !== undefined && Object.hasOwn(errorCatalogue, refusal)
      ? (refusal as ErrorCode)
      : 'unlock-superseded'
  return new GuardError(
    code,
    code === 'unlock-superseded' ? 'the session was locked meanwhile' : 'the unlock was refused',
  )
}
