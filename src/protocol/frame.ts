import { errorFields, errorId, messages, protocolVersion, replyBit } from './messages.ts'
import type { ErrorReply, MessageName, ReplyOf, RequestOf } from './messages.ts'
import type { Field, Fields } from './fields.ts'
import { limits } from './limits.ts'

/**
 * A frame: body length (4 bytes), protocol version (2), message id (2), all big-endian, then the body.
 * A body is a run of fields: tag (1), length (4, big-endian), value.
 */
export const headerBytes = 8
const fieldHeaderBytes = 5

export interface Header {
  readonly bodyBytes: number
  readonly version: number
  readonly id: number
}

/** Why a frame can't be read. The text names no field value: a value may be a secret. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

export function readHeader(bytes: Buffer): Header {
  return { bodyBytes: bytes.readUInt32BE(0), version: bytes.readUInt16BE(4), id: bytes.readUInt16BE(6) }
}

export function encodeRequest<Name extends MessageName>(name: Name, value: RequestOf<Name>): Buffer {
  return encodeFrame(messages[name].id, messages[name].request, value)
}

export function encodeReply<Name extends MessageName>(name: Name, value: ReplyOf<Name>): Buffer {
  return encodeFrame(messages[name].id | replyBit, messages[name].reply, value)
}

export function encodeError(error: ErrorReply): Buffer {
  return encodeFrame(errorId, errorFields, error)
}

export function decodeRequest<Name extends MessageName>(name: Name, body: Buffer): RequestOf<Name> {
  return decodeFields(messages[name].request, body) as RequestOf<Name>
}

export function decodeReply<Name extends MessageName>(name: Name, body: Buffer): ReplyOf<Name> {
  return decodeFields(messages[name].reply, body) as ReplyOf<Name>
}

export function decodeError(body: Buffer): ErrorReply {
  return decodeFields(errorFields, body) as ErrorReply
}

const namesById = new Map<number, MessageName>(
  Object.entries(messages).map(([name, definition]) => [definition.id, name as MessageName]),
)

/** @returns the request that an id stands for, or undefined for an unknown one or a reply. */
export function requestName(id: number): MessageName | undefined {
  return namesById.get(id)
}

function encodeFrame(id: number, fields: Fields, value: Readonly<Record<string, unknown>>): Buffer {
  const items: { tag: number; bytes: Buffer }[] = []
  let length = headerBytes
  for (const { name, field } of layoutOf(fields).named) {
    for (const bytes of encodeValue(name, field, value[name])) {
      items.push({ tag: field.tag, bytes })
      length += fieldHeaderBytes + bytes.length
    }
  }
  if (length > limits.frameBytes) throw new FrameError('frame too large')
  const frame = Buffer.allocUnsafe(length)
  frame.writeUInt32BE(length - headerBytes, 0)
  frame.writeUInt16BE(protocolVersion, 4)
  frame.writeUInt16BE(id, 6)
  let at = headerBytes
  for (const { tag, bytes } of items) {
    frame.writeUInt8(tag, at)
    frame.writeUInt32BE(bytes.length, at + 1)
    bytes.copy(frame, at + fieldHeaderBytes)
    at += fieldHeaderBytes + bytes.length
  }
  return frame
}

interface NamedField {
  readonly name: string
  readonly field: Field
}

interface Layout {
  readonly named: readonly NamedField[]
  readonly byTag: ReadonlyMap<number, NamedField>
}

const layouts = new WeakMap<Fields, Layout>()

/** A message's fields as they are gone through for every frame: put in order once. */
function layoutOf(fields: Fields): Layout {
  const known = layouts.get(fields)
  if (known !== undefined) return known
  const named = Object.entries(fields).map(([name, field]) => ({ name, field }))
  const layout = { named, byTag: new Map(named.map((one) => [one.field.tag, one])) }
  layouts.set(fields, layout)
  return layout
}

function encodeValue(name: string, field: Field, value: unknown): Buffer[] {
  if (value === undefined) {
    if (field.optional || field.kind === 'flag' || field.kind.endsWith('List')) return []
    throw new FrameError(`field ${name} is missing`)
  }
  const items = toItems(field, value)
  if (items.some((item) => item.length > field.max)) throw new FrameError(`field ${name} is too long`)
  return items
}

function toItems(field: Field, value: unknown): Buffer[] {
  switch (field.kind) {
    case 'text':
      return [Buffer.from(value as string)]
    case 'bytes':
    case 'secret':
      return [value as Buffer]
    case 'textList':
      return (value as string[]).map((item) => Buffer.from(item))
    case 'bytesList':
      return value as Buffer[]
    case 'uint':
      return [encodeUint(value as number)]
    case 'flag':
      return value === true ? [Buffer.alloc(0)] : []
    case 'json':
      return [Buffer.from(JSON.stringify(value))]
  }
}

function encodeUint(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw new FrameError('not an unsigned safe integer')
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

function decodeFields(fields: Fields, body: Buffer): Record<string, unknown> {
  const { named, byTag } = layoutOf(fields)
  const value: Record<string, unknown> = {}
  for (const { name, field } of named) {
    if (field.kind === 'flag') value[name] = false
    if (field.kind.endsWith('List')) value[name] = []
  }
  for (const { tag, bytes } of items(body)) {
    const known = byTag.get(tag)
    if (known === undefined) throw new FrameError(`unknown field ${tag}`)
    place(value, known.name, known.field, bytes)
  }
  for (const { name, field } of named) {
    if (!field.optional && value[name] === undefined) throw new FrameError(`field ${name} is missing`)
  }
  return value
}

function* items(body: Buffer): Generator<{ tag: number; bytes: Buffer }> {
  let offset = 0
  for (let count = 0; offset < body.length; count += 1) {
    if (count >= limits.fieldsPerMessage) throw new FrameError('too many fields')
    if (offset + fieldHeaderBytes > body.length) throw new FrameError('field header cut short')
    const length = body.readUInt32BE(offset + 1)
    const start = offset + fieldHeaderBytes
    if (start + length > body.length) throw new FrameError('field cut short')
    yield { tag: body.readUInt8(offset), bytes: body.subarray(start, start + length) }
    offset = start + length
  }
}

function place(value: Record<string, unknown>, name: string, field: Field, bytes: Buffer): void {
  if (bytes.length > field.max) throw new FrameError(`field ${name} is too long`)
  const list = value[name]
  if (Array.isArray(list)) {
    list.push(decodeItem(name, field, bytes))
    return
  }
  if (list !== undefined && list !== false) throw new FrameError(`field ${name} is given twice`)
  value[name] = decodeItem(name, field, bytes)
}

function decodeItem(name: string, field: Field, bytes: Buffer): unknown {
  switch (field.kind) {
    case 'text':
    case 'textList':
      return decodeText(name, bytes)
    case 'bytes':
    case 'bytesList':
    case 'secret':
      return bytes
    case 'uint':
      return decodeUint(name, bytes)
    case 'flag':
      if (bytes.length > 0) throw new FrameError(`field ${name} carries a value`)
      return true
    case 'json':
      return decodeJson(name, bytes)
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeText(name: string, bytes: Buffer): string {
  if (bytes.includes(0)) throw new FrameError(`field ${name} has a NUL`)
  try {
    return strictUtf8.decode(bytes)
  } catch {
    throw new FrameError(`field ${name} is not UTF-8`)
  }
}

function decodeUint(name: string, bytes: Buffer): number {
  if (bytes.length !== 8) throw new FrameError(`field ${name} is not eight bytes`)
  const value = Number(bytes.readBigUInt64BE())
  if (!Number.isSafeInteger(value)) throw new FrameError(`field ${name} is too large`)
  return value
}

function decodeJson(name: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    throw new FrameError(`field ${name} is not JSON`)
  }
}
