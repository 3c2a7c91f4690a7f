import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstLook, inputTime, lookAgain } from '../../../src/domain/presence.ts'
import type { TerminalLook } from '../../../src/domain/presence.ts'

const second = 1_000_000_000n
/** A terminal opened at 1000.25 s, looked at later. */
const birthNs = 1_000n * second + 250_000_000n
const look = (seconds: number, change: Partial<TerminalLook> = {}): TerminalLook => ({
  atimeNs: birthNs,
  ctimeNs: birthNs,
  unreadBytes: 0,
  nowMs: seconds * 1_000,
  ...change,
})
const at = (seconds: number): bigint => BigInt(seconds) * second

describe('the first look at a terminal', () => {
  it.each<[string, TerminalLook, number | undefined]>([
    ['fresh', look(1_100), undefined],
    ['typed at', look(1_100, { atimeNs: at(1_040) }), 1_040_000],
    ['typed at, older kernel', look(1_100, { atimeNs: at(1_040) + 250_000_000n }), 1_040_250],
    ['touched to now', look(1_100, { atimeNs: at(1_099) + 5n, ctimeNs: at(1_099) + 5n }), undefined],
    ['touched to a whole second', look(1_100, { atimeNs: at(1_099), ctimeNs: at(1_099) + 5n }), undefined],
    ['touched to odd nanoseconds', look(1_100, { atimeNs: at(1_099) + 7n }), undefined],
    ['touched to the future', look(1_100, { atimeNs: at(1_101) }), undefined],
    ['unread bytes from before', look(1_100, { unreadBytes: 9 }), undefined],
  ])('%s', (_name, first, expected) => {
    expect(inputTime(firstLook(first))).toBe(expected)
  })
})

describe('a later look', () => {
  it('sees an access time that the kernel moved', () => {
    expect(inputTime(lookAgain(firstLook(look(1_100)), look(1_200, { atimeNs: at(1_192) })))).toBe(1_192_000)
  })

  it('does not believe one that moved with the change time, until the kernel moves it again', () => {
    const touched = lookAgain(firstLook(look(1_100)), look(1_200, { atimeNs: at(1_192), ctimeNs: at(1_150) }))
    expect(inputTime(touched)).toBeUndefined()
    const same = lookAgain(touched, look(1_201, { atimeNs: at(1_192), ctimeNs: at(1_150) }))
    expect(inputTime(same)).toBeUndefined()
    expect(inputTime(lookAgain(same, look(1_300, { atimeNs: at(1_208), ctimeNs: at(1_150) })))).toBe(
      1_208_000,
    )
  })

  it('keeps believing one that stayed while something else was changed (chmod)', () => {
    const typed = firstLook(look(1_100, { atimeNs: at(1_040) }))
    expect(inputTime(lookAgain(typed, look(1_200, { atimeNs: at(1_040), ctimeNs: at(1_150) })))).toBe(
      1_040_000,
    )
  })

  it('never believes a date that was once in the future', () => {
    const ahead = lookAgain(firstLook(look(1_100)), look(1_200, { atimeNs: at(1_250) }))
    expect(inputTime(ahead)).toBeUndefined()
    expect(inputTime(lookAgain(ahead, look(1_300, { atimeNs: at(1_250) })))).toBeUndefined()
  })

  it('counts unread bytes that grow, once, and dates them after the last look', () => {
    const first = firstLook(look(1_100, { unreadBytes: 3 }))
    const grown = lookAgain(first, look(1_105, { unreadBytes: 4 }))
    expect(inputTime(grown)).toBe(1_105_000)
    expect(inputTime(lookAgain(grown, look(1_110, { unreadBytes: 4 })))).toBe(1_105_000)
    expect(inputTime(lookAgain(grown, look(1_110, { unreadBytes: 0 })))).toBe(1_105_000)
    expect(inputTime(lookAgain(first, look(5_000, { unreadBytes: 4 })))).toBe(1_110_000)
  })

  it('makes nothing of unread bytes that it could not ask for before', () => {
    const unknown = firstLook(look(1_100, { unreadBytes: undefined }))
    expect(inputTime(lookAgain(unknown, look(1_105, { unreadBytes: 4 })))).toBeUndefined()
  })

  it('never names a moment after the look, nor one nobody typed at', () => {
    const anyLook = fc.record({
      atimeNs: fc.bigInt({ min: 0n, max: 3_000n * second }),
      ctimeNs: fc.bigInt({ min: 0n, max: 3_000n * second }),
      unreadBytes: fc.option(fc.nat(5), { nil: undefined }),
      nowMs: fc.nat(3_000_000),
    })
    fc.assert(
      fc.property(anyLook, fc.array(anyLook), (first, more) => {
        let memory = firstLook(first)
        for (const next of more) {
          memory = lookAgain(memory, next)
          const time = inputTime(memory)
          expect(time === undefined || time <= next.nowMs).toBe(true)
        }
      }),
    )
  })

  it('is not moved by anyone who can only touch, however often', () => {
    // A touch sets the change time to now, later at each touch, and the access time to anything.
    const touches = fc.array(
      fc.record({
        atimeNs: fc.bigInt({ min: 0n, max: 9_000n * second }),
        afterMs: fc.integer({ min: 1, max: 60_000 }),
      }),
    )
    fc.assert(
      fc.property(touches, (list) => {
        let memory = firstLook(look(1_001))
        let nowMs = 1_001_000
        for (const touch of list) {
          nowMs += touch.afterMs
          const ctimeNs = BigInt(nowMs) * 1_000_000n
          memory = lookAgain(memory, { atimeNs: touch.atimeNs, ctimeNs, unreadBytes: 0, nowMs })
          expect(inputTime(memory)).toBeUndefined()
        }
      }),
    )
  })
})
