import type { Socket } from 'node:net'
import { errorCatalogue, GuardError } from '../domain/errors.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { plainText } from '../domain/plain-text.ts'
import { FrameReader } from '../protocol/channel.ts'
import type { Frame } from '../protocol/channel.ts'
import { decodeError, decodeReply, encodeRequest, FrameError } from '../protocol/frame.ts'
import { errorId, messages, protocolVersion, replyBit } from '../protocol/messages.ts'
import type { ErrorReply, MessageName, ReplyOf, RequestOf } from '../protocol/messages.ts'

/** Who is spoken to, for messages: "the daemon did not answer". */
export type Peer = 'daemon' | 'keeper'

/** A refusal that came over the wire: it keeps the exit code it came with, also for a code we don't know. */
class RepliedError extends GuardError {
  readonly #exitCode: number

  constructor(reply: ErrorReply) {
    const code = Object.hasOwn(errorCatalogue, reply.code) ? (reply.code as ErrorCode) : 'internal'
    super(code, plainText(reply.message, 2_000), { cure: plainText(reply.cure, 2_000) })
    this.#exitCode = reply.exitCode
  }

  override get exitCode(): number {
    return this.#exitCode >= 1 && this.#exitCode <= 255 ? this.#exitCode : super.exitCode
  }
}

/** As `askOn`, and closes the connection. */
export async function exchange<Name extends MessageName>(
  socket: Socket,
  peer: Peer,
  name: Name,
  request: RequestOf<Name>,
  answerMs: number,
): Promise<ReplyOf<Name>> {
  try {
    return await askOn(socket, peer, name, request, answerMs)
  } finally {
    socket.destroy()
  }
}

/**
 * Sends one request and waits for its answer. The request's bytes are erased once
 * they are sent: they may hold a passphrase.
 * @param answerMs longest wait for the whole answer.
 * @throws GuardError what the peer refused with; `daemon-unreachable` when it says nothing in time or goes
 *   away; `version-mismatch`; `protocol-error` for an answer that can't be read, or a request past the limits.
 */
export async function askOn<Name extends MessageName>(
  socket: Socket,
  peer: Peer,
  name: Name,
  request: RequestOf<Name>,
  answerMs: number,
): Promise<ReplyOf<Name>> {
  try {
    // Before anything waits for an answer: what can't be said is not asked.
    const bytes = encode(name, request)
    const answer = receive(socket, peer, answerMs)
    socket.write(bytes, () => bytes.fill(0))
    return readAnswer(await answer, peer, name)
  } catch (error) {
    throw error instanceof FrameError ? unreadable(peer, error) : error
  }
}

function encode<Name extends MessageName>(name: Name, request: RequestOf<Name>): Buffer {
  try {
    return encodeRequest(name, request)
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    throw new GuardError('protocol-error', `the request can’t be sent: ${error.message}`, { cause: error })
  }
}

/** The first frame that comes; whatever follows it is not for us. */
function receive(socket: Socket, peer: Peer, answerMs: number): Promise<Frame> {
  const reader = new FrameReader()
  return new Promise<Frame>((resolve, reject) => {
    const timer = setTimeout(() => reject(silent(peer, answerMs)), answerMs)
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      socket.off('data', take).off('close', close)
      act()
    }
    const take = (chunk: Buffer): void => {
      try {
        const frame = reader.push(chunk)[0]
        if (frame !== undefined) settle(() => resolve(frame))
      } catch (error) {
        settle(() => reject(error as Error))
      }
    }
    const close = (): void => settle(() => reject(gone(peer, reader.midFrame)))
    socket.on('data', take).on('close', close)
    // Stays: a connection that breaks later must not end the process.
    socket.on('error', (error) => settle(() => reject(gone(peer, reader.midFrame, error))))
  })
}

function readAnswer<Name extends MessageName>(frame: Frame, peer: Peer, name: Name): ReplyOf<Name> {
  const expected = messages[name].id | replyBit
  if (frame.id !== expected && frame.id !== errorId) throw unreadable(peer)
  if (frame.version !== protocolVersion) throw otherVersion(peer, frame.version)
  if (frame.id === errorId) throw new RepliedError(decodeError(frame.body))
  return decodeReply(name, frame.body)
}

function otherVersion(peer: Peer, version: number): GuardError {
  return new GuardError(
    'version-mismatch',
    `the ${peer} speaks protocol ${version}, this client ${protocolVersion}`,
  )
}

function unreadable(peer: Peer, cause?: Error): GuardError {
  const why = cause === undefined ? '' : `: ${cause.message}`
  return new GuardError('protocol-error', `the ${peer}’s answer can’t be read${why}`, { cause })
}

function silent(peer: Peer, answerMs: number): GuardError {
  return new GuardError('daemon-unreachable', `the ${peer} did not answer within ${answerMs / 1000} s`, {
    cure: 'run: kubeguard daemon restart',
  })
}

function gone(peer: Peer, midFrame: boolean, cause?: Error): GuardError {
  const when = midFrame ? 'in the middle of its answer' : 'without an answer'
  return new GuardError('daemon-unreachable', `the ${peer} closed the connection ${when}`, { cause })
}
