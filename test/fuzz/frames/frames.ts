import fc from 'fast-check'
import type { Field, Fields } from '../../../src/protocol/fields.ts'
import { encodeError, encodeReply, encodeRequest } from '../../../src/protocol/frame.ts'
import { errorFields, messages } from '../../../src/protocol/messages.ts'
import type { ErrorReply, MessageName, ReplyOf, RequestOf } from '../../../src/protocol/messages.ts'
import { mutated } from '../mutate.ts'

/** Without NUL and lone surrogates, which `text` can't carry. */
const text = fc
  .oneof(
    fc.string({ maxLength: 12, unit: 'binary' }),
    fc.constantFrom('allow', 'deny', 'challenge', 'wait', '/bin/false', 'default', '-x'),
  )
  .map((value) => value.replaceAll('\0', '').toWellFormed())
const bytes = fc.uint8Array({ maxLength: 24 }).map((value) => Buffer.from(value))

function valueOf({ kind, max }: Field): fc.Arbitrary<unknown> {
  const short = (value: string): string => (Buffer.byteLength(value) > max ? '' : value)
  const fitting = (value: Buffer): Buffer => value.subarray(0, max)
  switch (kind) {
    case 'text':
      return text.map(short)
    case 'textList':
      return fc.array(text.map(short), { maxLength: 4 })
    case 'bytes':
    case 'secret':
      return bytes.map(fitting)
    case 'bytesList':
      return fc.array(bytes.map(fitting), { maxLength: 4 })
    case 'uint':
      return fc.oneof(fc.nat(), fc.maxSafeNat())
    case 'flag':
      return fc.boolean()
    case 'json':
      return fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  }
}

/** A value of these fields, as the decoder gives it: what is optional may be left out. */
function record(fields: Fields): fc.Arbitrary<Record<string, unknown>> {
  const named = Object.entries(fields)
  const needed = named.filter(
    ([, { optional, kind }]) => !optional || kind === 'flag' || kind.endsWith('List'),
  )
  return fc.record(Object.fromEntries(named.map(([name, field]) => [name, valueOf(field)])), {
    requiredKeys: needed.map(([name]) => name),
    noNullPrototype: true,
  })
}

export interface Said {
  readonly kind: 'request' | 'reply' | 'error'
  readonly name: MessageName
  readonly value: Record<string, unknown>
  readonly frame: Buffer
}

const names = Object.keys(messages) as MessageName[]

export const request = (name: MessageName): fc.Arbitrary<Said> =>
  record(messages[name].request).map((value) => ({
    kind: 'request',
    name,
    value,
    frame: encodeRequest(name, value as RequestOf<MessageName>),
  }))

export const reply = (name: MessageName): fc.Arbitrary<Said> =>
  record(messages[name].reply).map((value) => ({
    kind: 'reply',
    name,
    value,
    frame: encodeReply(name, value as ReplyOf<MessageName>),
  }))

export const error: fc.Arbitrary<Said> = record(errorFields).map((value) => ({
  kind: 'error',
  name: 'gate.check',
  value,
  frame: encodeError(value as unknown as ErrorReply),
}))

/** Every message there is, both ways. */
export const said: fc.Arbitrary<Said> = fc.oneof(
  ...names.flatMap((name) => [request(name), reply(name)]),
  error,
)

/** Up to three frames one after the other, with damage. */
export const stream = (of: fc.Arbitrary<Said>): fc.Arbitrary<Buffer> =>
  mutated(
    fc.array(of, { minLength: 1, maxLength: 3 }).map((all) => Buffer.concat(all.map(({ frame }) => frame))),
  )
