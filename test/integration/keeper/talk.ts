import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { readProcStat } from '../../../src/platform/processes/proc-stat.ts'
import { FrameReader } from '../../../src/protocol/channel.ts'
import { decodeError, decodeReply, encodeRequest } from '../../../src/protocol/frame.ts'
import { errorId } from '../../../src/protocol/messages.ts'
import type { MessageName, ReplyOf, RequestOf } from '../../../src/protocol/messages.ts'
import type { Keeper, ProcessId, Ticket } from '../../../src/usecases/ports.ts'

/** This process, as a ticket names it. */
export function self(): ProcessId {
  const stat = readProcStat(process.pid)
  if (stat === undefined) throw new Error('no /proc here')
  return { pid: process.pid, startTicks: stat.startTicks }
}

export function makeTicket(purpose: Ticket['purpose'], credential?: string): Ticket {
  const client = self()
  return { ticket: randomBytes(32), client, purpose, ...(credential === undefined ? {} : { credential }) }
}

/** Registers a ticket as the daemon does, and gives it to the client. */
export async function giveTicket(
  keeper: Keeper,
  purpose: Ticket['purpose'],
  credential?: string,
): Promise<Buffer> {
  const ticket = makeTicket(purpose, credential)
  keeper.expect(ticket)
  return ticket.ticket
}

export type Said<Name extends MessageName> =
  | { readonly ok: true; readonly reply: ReplyOf<Name> }
  | { readonly ok: false; readonly code: string }

/** What a client gets for one request. `closed`: nothing but the end. */
export async function ask<Name extends MessageName>(
  path: string,
  name: Name,
  request: RequestOf<Name>,
): Promise<Said<Name>> {
  const frames = await sendRaw(path, encodeRequest(name, request))
  const [frame] = frames
  if (frame === undefined) return { ok: false, code: 'closed' }
  if (frame.id === errorId) return { ok: false, code: decodeError(frame.body).code }
  return { ok: true, reply: decodeReply(name, frame.body) }
}

/** Sends bytes as they are and reads until the keeper closes. */
export function sendRaw(path: string, bytes: Buffer): Promise<ReturnType<FrameReader['push']>> {
  return new Promise((resolve) => {
    const reader = new FrameReader()
    const frames: ReturnType<FrameReader['push']> = []
    const socket = connect(path)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => frames.push(...reader.push(chunk)))
    socket.on('close', () => resolve(frames))
    socket.write(bytes)
  })
}

/** A connection that is kept open; resolves when it stands. */
export function hold(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket))
    socket.on('error', reject)
  })
}
