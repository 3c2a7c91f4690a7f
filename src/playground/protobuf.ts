import { ApiError, badRequest } from './api-error.ts'

/**
 * Reads the two kinds that `kubectl create` sends as protobuf: config maps and secrets. Field numbers are those of
 * Kubernetes' generated.proto files (core/v1, meta/v1, runtime).
 */
type FieldKind = 'text' | 'base64' | 'flag' | Message | { readonly mapOf: 'text' | 'base64' }
interface Message {
  readonly fields: Readonly<Record<number, readonly [name: string, kind: FieldKind]>>
}

const texts = { mapOf: 'text' } as const
const blobs = { mapOf: 'base64' } as const
const metadata: Message = {
  fields: {
    1: ['name', 'text'],
    3: ['namespace', 'text'],
    11: ['labels', texts],
    12: ['annotations', texts],
  },
}
const kinds: Readonly<Record<string, Message>> = {
  ConfigMap: {
    fields: {
      1: ['metadata', metadata],
      2: ['data', texts],
      3: ['binaryData', blobs],
      4: ['immutable', 'flag'],
    },
  },
  Secret: {
    fields: {
      1: ['metadata', metadata],
      2: ['data', blobs],
      3: ['type', 'text'],
      4: ['stringData', texts],
      5: ['immutable', 'flag'],
    },
  },
}
const typeMeta: Message = { fields: { 1: ['apiVersion', 'text'], 2: ['kind', 'text'] } }
const envelope: Message = { fields: { 1: ['typeMeta', typeMeta], 2: ['raw', 'base64'] } }

const magic = Buffer.from('k8s\0')

/** @returns whether a body is in Kubernetes' protobuf envelope. */
export function isProtobuf(body: Buffer): boolean {
  return body.subarray(0, magic.length).equals(magic)
}

/**
 * @returns the object that a body in the envelope carries, as its JSON would be.
 * @throws ApiError 415 for a kind that the playground reads as JSON only, 400 for broken bytes.
 */
export function readProtobuf(body: Buffer): Record<string, unknown> {
  const outer = readMessage(body.subarray(magic.length), envelope) as {
    typeMeta?: { kind?: string }
    raw?: string
  }
  const kind = outer.typeMeta?.kind ?? ''
  const message = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (message === undefined) {
    throw new ApiError(
      415,
      'UnsupportedMediaType',
      `the playground reads ${kind || 'this'} as JSON or YAML only`,
    )
  }
  return { ...outer.typeMeta, ...readMessage(Buffer.from(outer.raw ?? '', 'base64'), message) }
}

function readMessage(bytes: Buffer, { fields }: Message): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const { number, value } of wireFields(bytes)) {
    const [name, kind] = fields[number] ?? []
    if (name === undefined || kind === undefined) continue
    if (kind === 'flag') result[name] = value === 1n
    else if (typeof value === 'bigint') throw badRequest('the protobuf body is damaged')
    else if (typeof kind === 'object' && 'mapOf' in kind) addEntry(result, name, value, kind.mapOf)
    // Written even when empty, where JSON leaves the field out.
    else if (value.length > 0) result[name] = readValue(value, kind)
  }
  return result
}

function readValue(value: Buffer, kind: 'text' | 'base64' | Message): unknown {
  if (typeof kind === 'object') return readMessage(value, kind)
  return value.toString(kind === 'text' ? 'utf8' : 'base64')
}

function addEntry(
  result: Record<string, unknown>,
  name: string,
  bytes: Buffer,
  kind: 'text' | 'base64',
): void {
  const entry = readMessage(bytes, { fields: { 1: ['key', 'text'], 2: ['value', kind] } })
  result[name] = {
    ...(result[name] as object | undefined),
    [String(entry['key'] ?? '')]: entry['value'] ?? '',
  }
}

function* wireFields(bytes: Buffer): Generator<{ number: number; value: bigint | Buffer }> {
  let offset = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[offset++]
      if (byte === undefined) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw badRequest('the protobuf body is damaged')
  }
  while (offset < bytes.length) {
    const tag = Number(varint())
    if ((tag & 7) === 0) {
      yield { number: tag >>> 3, value: varint() }
      continue
    }
    const length = Number(varint())
    if ((tag & 7) !== 2 || offset + length > bytes.length) throw badRequest('the protobuf body is damaged')
    yield { number: tag >>> 3, value: bytes.subarray(offset, offset + length) }
    offset += length
  }
}
