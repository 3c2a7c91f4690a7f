import fc from 'fast-check'

/** Numbers that lengths and counts are mistaken for. */
const oddNumbers = [
  0,
  1,
  5,
  7,
  8,
  9,
  255,
  256,
  65_535,
  65_536,
  4_194_296,
  4_194_304,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
]

type Change = (bytes: Buffer) => Buffer

const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const byte = fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 10, 34, 92, 127, 128, 194, 226, 255))

const place = (bytes: Buffer, where: number): number => Math.floor(where * bytes.length)

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(at, byte).map(([where, value]): Change => (bytes) => {
    const changed = Buffer.from(bytes)
    if (bytes.length > 0) changed[place(bytes, where)] = value
    return changed
  }),
  fc.tuple(at, fc.nat({ max: 40 })).map(([where, length]): Change => (bytes) => {
    const from = place(bytes, where)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)])
  }),
  fc.tuple(at, fc.uint8Array({ maxLength: 24 })).map(([where, more]): Change => (bytes) => {
    const from = place(bytes, where)
    return Buffer.concat([bytes.subarray(0, from), more, bytes.subarray(from)])
  }),
  fc.tuple(at, fc.constantFrom(...oddNumbers)).map(([where, value]): Change => (bytes) => {
    const changed = Buffer.from(bytes)
    if (bytes.length >= 4) changed.writeUInt32BE(value, Math.floor(where * (bytes.length - 3)))
    return changed
  }),
  fc.tuple(at, at).map(([where, other]): Change => (bytes) => {
    const piece = bytes.subarray(place(bytes, where), place(bytes, where) + 32)
    const from = place(bytes, other)
    return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(from)])
  }),
)

/** The bytes, as they are or changed in up to four places. */
export const mutated = (bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(bytes, fc.array(change, { maxLength: 4 }))
    .map(([base, changes]) => changes.reduce((now, one) => one(now), base))
