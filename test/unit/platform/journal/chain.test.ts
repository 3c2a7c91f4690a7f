import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chainHash, genesis, walkChain } from '../../../../src/platform/journal/chain.ts'
import type { ChainedEntry, ChainEnds } from '../../../../src/platform/journal/chain.ts'

function chainOf(events: readonly string[]): { ends: ChainEnds; entries: ChainedEntry[] } {
  let head = genesis
  const entries = events.map((event, index) => {
    const entry = { seq: index + 1, wallMs: index * 10, event, policy: index % 2 ? 'p' : null, details: '{}' }
    head = chainHash(head, entry)
    return { ...entry, hash: head }
  })
  return { entries, ends: { firstSeq: 1, before: genesis, headSeq: events.length, head } }
}

const events = fc.array(fc.string({ maxLength: 8 }), { minLength: 1, maxLength: 20 })

test('an untouched chain holds, an empty one too', () => {
  fc.assert(
    fc.property(events, (names) => {
      const { ends, entries } = chainOf(names)
      expect(walkChain(ends, entries)).toEqual({ entries: names.length })
    }),
  )
  expect(walkChain(chainOf([]).ends, [])).toEqual({ entries: 0 })
})

test('any edited field is found at its entry', () => {
  const edits: ((entry: ChainedEntry) => Partial<ChainedEntry>)[] = [
    ({ wallMs }) => ({ wallMs: wallMs + 1 }),
    ({ event }) => ({ event: `${event}x` }),
    ({ policy }) => ({ policy: policy === null ? '' : null }),
    () => ({ details: '{"a":1}' }),
    ({ hash }) => ({ hash: hash.map((byte) => byte ^ 1) }),
  ]
  fc.assert(
    fc.property(events, fc.nat(), fc.constantFrom(...edits), (names, place, edit) => {
      const { ends, entries } = chainOf(names)
      const index = place % entries.length
      const entry = entries[index] as ChainedEntry
      entries[index] = { ...entry, ...edit(entry) }
      expect(walkChain(ends, entries).broken).toEqual({ at: index + 1, problem: 'an entry was changed' })
    }),
  )
})

test('a removed entry is found, wherever it stood', () => {
  fc.assert(
    fc.property(events, fc.nat(), (names, place) => {
      const { ends, entries } = chainOf(names)
      const index = place % entries.length
      entries.splice(index, 1)
      const problem = index === names.length - 1 ? 'the newest entries are missing' : 'an entry is missing'
      expect(walkChain(ends, entries).broken).toEqual({ at: index + 1, problem })
    }),
  )
})

test('an added entry, before or after, is found', () => {
  const { ends, entries } = chainOf(['a', 'b', 'c'])
  const last = { seq: 4, wallMs: 9, event: 'd', policy: null, details: '{}' }
  const forged = { ...last, hash: chainHash(ends.head, last) }
  expect(walkChain(ends, [...entries, forged]).broken).toEqual({
    at: 4,
    problem: 'the recorded head is another',
  })
  const early = { ...forged, seq: 0 }
  expect(walkChain(ends, [early, ...entries]).broken).toEqual({
    at: 0,
    problem: 'an entry stands before the first',
  })
})
