import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameReader } from '../../../src/protocol/channel.ts'
import type { Frame } from '../../../src/protocol/channel.ts'
import type { Field, Fields } from '../../../src/protocol/fields.ts'
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
import { errorFields, errorId, messages, protocolVersion, replyBit } from '../../../src/protocol/messages.ts'
import type { MessageName, ReplyOf, RequestOf } from '../../../src/protocol/messages.ts'

const names = Object.keys(messages) as MessageName[]

/** Text that UTF-8 can carry: no NUL, no half of a surrogate pair. */
const text = (most: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'binary', maxLength: Math.min(40, most / 4) }).map((value) => value.replaceAll('\0', ''))

const bytes = (most: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: Math.min(100, most) }).map((value) => Buffer.from(value))

/** JSON has no -0 and no undefined. */
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)

function valueOf({ kind, max }: Field): fc.Arbitrary<unknown> {
  switch (kind) {
    case 'text':
      return text(max)
    case 'bytes':
    case 'secret':
      return bytes(max)
    case 'textList':
      return fc.array(text(max), { maxLength: 5 })
    case 'bytesList':
      return fc.array(bytes(max), { maxLength: 5 })
    case 'uint':
      return fc.maxSafeNat()
    case 'flag':
      return fc.boolean()
    case 'json':
      return json
  }
}

function valuesOf(fields: Fields): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(fields)
  const requiredKeys = entries.filter(([, field]) => !field.optional).map(([name]) => name)
  return fc.record(Object.fromEntries(entries.map(([name, field]) => [name, valueOf(field)])), {
    requiredKeys,
  })
}

/** What is read first of a whole frame, cut into pieces at random. */
function readInPieces(frame: Buffer, cuts: readonly number[]): Frame[] {
  const reader = new FrameReader()
  const ends = [...cuts.map((cut) => cut % (frame.length + 1)), frame.length].toSorted((a, b) => a - b)
  let start = 0
  return ends.flatMap((end) => {
    const piece = frame.subarray(start, end)
    start = end
    return reader.push(Buffer.from(piece))
  })
}

describe.each(names)('%s', (name) => {
  const cuts = fc.array(fc.nat(10_000), { maxLength: 6 })

  test('a request comes back as it was, however it is cut', () => {
    fc.assert(
      fc.property(valuesOf(messages[name].request), cuts, (value, at) => {
        const [frame, more] = readInPieces(encodeRequest(name, value as RequestOf<typeof name>), at)
        expect(more).toBeUndefined()
        expect(frame).toMatchObject({ version: protocolVersion, id: messages[name].id })
        expect(requestName(frame?.id ?? 0)).toBe(name)
        expect(decodeRequest(name, frame?.body ?? Buffer.alloc(0))).toEqual(value)
      }),
      { numRuns: 60 },
    )
  })

  test('a reply comes back as it was', () => {
    fc.assert(
      fc.property(valuesOf(messages[name].reply), (value) => {
        const [frame] = readInPieces(encodeReply(name, value as ReplyOf<typeof name>), [])
        expect(frame?.id).toBe(messages[name].id | replyBit)
        expect(decodeReply(name, frame?.body ?? Buffer.alloc(0))).toEqual(value)
      }),
      { numRuns: 60 },
    )
  })

  test('anything else is a FrameError, or a value that the message allows', () => {
    const edited = fc.tuple(
      valuesOf(messages[name].request),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    )
    fc.assert(
      fc.property(edited, fc.nat(), ([value, edits], cut) => {
        const whole = encodeRequest(name, value as RequestOf<typeof name>).subarray(headerBytes)
        for (const [at, byte] of edits) if (whole.length > 0) whole[at % whole.length] = byte
        expectValueOrFrameError(() => decodeRequest(name, whole))
        expectValueOrFrameError(() => decodeRequest(name, whole.subarray(0, cut % (whole.length + 1))))
      }),
      { numRuns: 100 },
    )
  })

  test('random bytes likewise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        expectValueOrFrameError(() => decodeReply(name, Buffer.from(body)))
      }),
      { numRuns: 60 },
    )
  })
})

function expectValueOrFrameError(decode: () => unknown): void {
  try {
    expect(decode()).toBeTypeOf('object')
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError)
  }
}

test('an error reply comes back as it was', () => {
  fc.assert(
    fc.property(valuesOf(errorFields), (value) => {
      const [frame] = readInPieces(encodeError(value as Parameters<typeof encodeError>[0]), [])
      expect(frame?.id).toBe(errorId)
      expect(decodeError(frame?.body ?? Buffer.alloc(0))).toEqual(value)
    }),
  )
})

test('many frames in one chunk come one by one, in order', () => {
  const frames = [1, 2, 3].map((after) => encodeRequest('journal.read', { after, requests: false }))
  const read = readInPieces(Buffer.concat(frames), [5, 9, 31])
  expect(read.map(({ body }) => decodeRequest('journal.read', body).after)).toEqual([1, 2, 3])
})

describe('limits', () => {
  const item = (tag: number, value: Buffer): Buffer => {
    const header = Buffer.alloc(5)
    header.writeUInt8(tag, 0)
    header.writeUInt32BE(value.length, 1)
    return Buffer.concat([header, value])
  }
  const expectRefused = (body: Buffer): void =>
    expect(() => decodeRequest('gate.check', body)).toThrow(FrameError)

  test('a frame past the limit is refused at its header', () => {
    const header = Buffer.alloc(headerBytes)
    header.writeUInt32BE(limits.frameBytes + 1, 0)
    expect(() => new FrameReader().push(header)).toThrow(FrameError)
  })

  test('none is encoded either', () => {
    const argv = Array.from({ length: 40 }, () => Buffer.alloc(limits.argumentBytes))
    const request = {
      argv,
      cwd: Buffer.from('/'),
      inCluster: false,
      ttys: 0,
      mayAsk: false,
      asked: false,
      mayWait: false,
      waits: false,
    }
    expect(() => encodeRequest('gate.check', request)).toThrow(FrameError)
  })

  test('an argument as long as it may be is taken, one byte more is not', () => {
    const rest = Buffer.concat([item(2, Buffer.from('/')), item(8, Buffer.alloc(8))])
    const longest = Buffer.concat([item(1, Buffer.alloc(limits.argumentBytes)), rest])
    expect(decodeRequest('gate.check', longest).argv[0]).toHaveLength(limits.argumentBytes)
    expectRefused(Buffer.concat([item(1, Buffer.alloc(limits.argumentBytes + 1)), rest]))
  })

  test('fields beyond count', () => {
    expectRefused(
      Buffer.concat(Array.from({ length: limits.fieldsPerMessage + 1 }, () => item(1, Buffer.alloc(0)))),
    )
  })

  test.each([
    ['an unknown field', item(99, Buffer.alloc(0))],
    [
      'a field twice',
      Buffer.concat([item(2, Buffer.from('/')), item(2, Buffer.from('/')), item(8, Buffer.alloc(8))]),
    ],
    [
      'a flag twice',
      Buffer.concat([
        item(9, Buffer.alloc(0)),
        item(9, Buffer.alloc(0)),
        item(2, Buffer.alloc(0)),
        item(8, Buffer.alloc(8)),
      ]),
    ],
    [
      'a flag with a value',
      Buffer.concat([item(2, Buffer.from('/')), item(8, Buffer.alloc(8)), item(9, Buffer.alloc(1))]),
    ],
    ['a number of four bytes', Buffer.concat([item(2, Buffer.from('/')), item(8, Buffer.alloc(4))])],
    ['a number past 2^53', Buffer.concat([item(2, Buffer.from('/')), item(8, Buffer.alloc(8, 0xff))])],
    ['a missing field', item(2, Buffer.from('/'))],
    ['nothing at all', Buffer.alloc(0)],
    ['a header cut short', Buffer.from([1, 0, 0])],
    ['a value cut short', Buffer.from([1, 0, 0, 0, 9, 1])],
  ])('%s', (_name, body) => expectRefused(body))

  test.each([
    ['no UTF-8', Buffer.from([0xff])],
    ['a NUL', Buffer.from('a\0b')],
    ['too long', Buffer.alloc(257, 'x')],
  ])('text that is %s', (_name, value) => {
    expect(() => decodeRequest('session.lock', item(1, value))).toThrow(FrameError)
  })

  test('no error names a value', () => {
    const secret = Buffer.from('hunter2')
    for (const body of [
      item(99, secret),
      item(9, secret),
      Buffer.concat([item(2, secret), item(2, secret)]),
    ]) {
      expect(() => decodeRequest('gate.check', body)).toThrow(/^(?!.*hunter2)/)
    }
  })
})
