import fc from 'fast-check'
import { expect, test } from 'vitest'
import { closeFrame, FrameBoundary } from '../../../src/gateway/websocket-close.ts'

/** A frame as RFC 6455, 5.2 has it. */
function frame(payload: number, masked: boolean): Buffer {
  const long = payload > 65_535 ? 8 : payload > 125 ? 2 : 0
  const header = Buffer.alloc(2 + long + (masked ? 4 : 0))
  header[0] = 0x82
  header[1] = (long === 8 ? 127 : long === 2 ? 126 : payload) | (masked ? 0x80 : 0)
  if (long === 2) header.writeUInt16BE(payload, 2)
  if (long === 8) header.writeBigUInt64BE(BigInt(payload), 2)
  return Buffer.concat([header, Buffer.alloc(payload)])
}

test('however the bytes are cut, it knows where frames end', () => {
  const frames = fc.array(
    fc.tuple(fc.oneof(fc.nat(130), fc.constant(65_536), fc.constant(65_535)), fc.boolean()),
    { minLength: 1, maxLength: 4 },
  )
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 70_000 })), (specs, cuts) => {
      const parts = specs.map(([payload, masked]) => frame(payload, masked))
      const ends = new Set<number>([0])
      let end = 0
      for (const part of parts) ends.add((end += part.length))
      const all = Buffer.concat(parts)
      const boundary = new FrameBoundary()
      let at = 0
      for (const cut of [...cuts, all.length]) {
        const to = Math.min(all.length, at + cut)
        boundary.push(all.subarray(at, to))
        at = to
        expect(boundary.isBetweenFrames).toBe(ends.has(at))
      }
    }),
    { numRuns: 200 },
  )
})

test('a close frame says why in 123 bytes at most, and cuts no character', () => {
  const frame = closeFrame('€'.repeat(100))
  expect(frame.subarray(0, 4)).toEqual(Buffer.from([0x88, 2 + 123, 0x03, 0xf0]))
  expect(frame.subarray(4).toString()).toBe('€'.repeat(41))
  expect(closeFrame('locked').subarray(4).toString()).toBe('locked')
})
