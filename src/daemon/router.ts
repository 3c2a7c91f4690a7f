import { GuardError } from '../domain/errors.ts'
import { decodeRequest, encodeError, encodeReply, FrameError, requestName } from '../protocol/frame.ts'
import type { Frame } from '../protocol/channel.ts'
import { protocolVersion } from '../protocol/messages.ts'
import type { MessageName, messages, ReplyOf, RequestOf } from '../protocol/messages.ts'

/** Who asks: the signal of `gone` is aborted when the connection ends. */
export interface Peer {
  readonly pid: number
  readonly gone: () => AbortSignal
}

/** Answers one kind of request from the process `peerPid`. */
export type Handler<Name extends MessageName> = (
  request: RequestOf<Name>,
  peerPid: number,
  gone: () => AbortSignal,
) => Promise<ReplyOf<Name>> | ReplyOf<Name>

type DaemonMessage = {
  [Name in MessageName]: (typeof messages)[Name]['route'] extends 'client>daemon' ? Name : never
}[MessageName]

/** One handler for every message that clients send to the daemon: a missing one does not compile. */
export type Handlers = { readonly [Name in DaemonMessage]: Handler<Name> }

export interface Router {
  answer(frame: Frame, peer: Peer): Promise<Buffer>
}

/** Turns frames into calls of use cases, and what they answer or throw back into frames. */
export function createRouter(
  handlers: Handlers,
  events: { onInternal: (name: string, error: unknown) => void; onOtherVersion: () => void },
): Router {
  return {
    async answer(frame, peer) {
      if (frame.version !== protocolVersion) events.onOtherVersion()
      try {
        return await dispatch(handlers, frame, peer)
      } catch (error) {
        return encodeError(toReply(error, frame, events.onInternal))
      }
    },
  }
}

async function dispatch(handlers: Handlers, frame: Frame, peer: Peer): Promise<Buffer> {
  if (frame.version !== protocolVersion) {
    throw new GuardError(
      'version-mismatch',
      `the daemon speaks protocol ${protocolVersion}, this client ${frame.version}`,
    )
  }
  const name = requestName(frame.id)
  if (name === undefined || !isDaemonMessage(handlers, name)) throw new FrameError('unknown message')
  return call(handlers, name, frame, peer)
}

async function call<Name extends DaemonMessage>(
  handlers: Handlers,
  name: Name,
  frame: Frame,
  peer: Peer,
): Promise<Buffer> {
  const handler = handlers[name] as Handler<Name>
  return encodeReply(name, await handler(decodeRequest(name, frame.body), peer.pid, peer.gone))
}

function isDaemonMessage(handlers: Handlers, name: MessageName): name is DaemonMessage {
  return Object.hasOwn(handlers, name)
}

function toReply(error: unknown, frame: Frame, onInternal: (name: string, error: unknown) => void) {
  const known = toGuardError(error)
  if (known.code === 'internal') onInternal(requestName(frame.id) ?? 'unknown', error)
  const { code, message, cure, exitCode } = known
  return { code, message, cure, exitCode }
}

function toGuardError(error: unknown): GuardError {
  if (error instanceof GuardError) return error
  if (error instanceof FrameError)
    return new GuardError('protocol-error', `the request can’t be read: ${error.message}`)
  return new GuardError('internal', 'the daemon failed to answer; its log says why')
}
