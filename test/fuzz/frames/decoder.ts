import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FrameReader } from '../../../src/protocol/channel.ts'
import type { Frame } from '../../../src/protocol/channel.ts'
import {
  decodeError,
  decodeReply,
  decodeRequest,
  encodeError,
  encodeReply,
  encodeRequest,
  FrameError,
  headerBytes,
  requestName,
} from '../../../src/protocol/frame.ts'
import { limits } from '../../../src/protocol/limits.ts'
import { errorId, replyBit } from '../../../src/protocol/messages.ts'
import type { ErrorReply, MessageName, ReplyOf, RequestOf } from '../../../src/protocol/messages.ts'
import { hold } from '../target.ts'
import type { Target } from '../target.ts'
import { said, stream } from './frames.ts'
import type { Said } from './frames.ts'

interface Codec {
  readonly decode: (body: Buffer) => Record<string, unknown>
  readonly encode: (value: Record<string, unknown>) => Buffer
}

function codecOf(id: number): Codec | undefined {
  if (id === errorId)
    return {
      decode: (body) => ({ ...decodeError(body) }),
      encode: (value) => encodeError(value as unknown as ErrorReply),
    }
  const name: MessageName | undefined = requestName(id & ~replyBit)
  if (name === undefined) return undefined
  if ((id & replyBit) !== 0)
    return {
      decode: (body) => decodeReply(name, body),
      encode: (value) => encodeReply(name, value as ReplyOf<MessageName>),
    }
  return {
    decode: (body) => decodeRequest(name, body),
    encode: (value) => encodeRequest(name, value as RequestOf<MessageName>),
  }
}

/** @returns undefined where it was refused with the protocol's own error */
function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    return undefined
  }
}

function inPieces(bytes: Buffer, size: number): Frame[] | undefined {
  const reader = new FrameReader()
  const frames: Frame[] = []
  for (let from = 0; from < bytes.length; from += size) {
    const more = attempt(() => reader.push(bytes.subarray(from, from + size)))
    if (more === undefined) return undefined
    frames.push(...more)
  }
  return frames
}

function roundTrip({ value, frame }: Said, size: number): void {
  const [read, ...others] = inPieces(frame, size) ?? []
  assert.ok(read !== undefined && others.length === 0, 'a frame does not come out as one')
  assert.deepEqual(codecOf(read.id)?.decode(read.body), value)
}

interface Tally {
  frames: number
  decoded: number
  refused: number
}

/** What can be read is within the limits, and says the same when it is written and read again. */
function readDamaged(bytes: Buffer, size: number, tally: Tally): void {
  const frames = inPieces(bytes, size)
  if (frames === undefined) tally.refused += 1
  const sent = (frames ?? []).reduce((sum, { body }) => sum + headerBytes + body.length, 0)
  assert.ok(sent <= bytes.length, 'more comes out than went in')
  for (const { id, body } of frames ?? []) {
    tally.frames += 1
    assert.ok(body.length <= limits.frameBytes)
    const codec = codecOf(id)
    const value = codec && attempt(() => codec.decode(body))
    if (codec === undefined || value === undefined) continue
    tally.decoded += 1
    assert.deepEqual(codec.decode(codec.encode(value).subarray(headerBytes)), value)
  }
}

const size = fc.constantFrom(1, 3, 8, 13, 64, 100_000)

export const decoder: Target = {
  name: 'decoder',
  about: 'frames of the protocol, whole and damaged, in pieces: read as they were written, or refused',
  shortRuns: 1_000,
  async run(effort) {
    const tally = { frames: 0, decoded: 0, refused: 0 }
    const property = fc.property(said, stream(said), size, (whole, damaged, piece) => {
      roundTrip(whole, piece)
      readDamaged(damaged, piece, tally)
    })
    await hold(property, effort)
    return { ...tally }
  },
}
