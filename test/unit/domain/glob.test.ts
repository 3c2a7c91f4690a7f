import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { globCovers, globMatches, globsOverlap } from '../../../src/domain/glob.ts'

const text = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 6 })
const glob = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*', '?'), maxLength: 5 })

/** The plain meaning, by a regular expression. */
function meaning(pattern: string): RegExp {
  const parts = Array.from(pattern, (char) =>
    char === '*' ? '.*' : char === '?' ? '.' : char.replace(/[^\w]/u, '\\$&'),
  )
  return new RegExp(`^${parts.join('')}$`, 's')
}

describe('globMatches', () => {
  it.each<[string, string, boolean]>([
    ['prod-*', 'prod-eu', true],
    ['prod-*', 'my-prod-eu', false],
    ['*-production', 'arn:aws:eks:eu-west-1:1234:cluster/shop-production', true],
    ['*', '', true],
    ['?', '', false],
    ['?', '✓', true],
    ['?', '🐳', true],
    ['Prod', 'prod', false],
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
    ['', '', true],
    ['a*b*c', 'a-b-b-c', true],
  ])('%j on %j: %s', (pattern, name, expected) => {
    expect(globMatches(pattern, name)).toBe(expected)
  })

  it('means what the regular expression means', () => {
    fc.assert(
      fc.property(glob, text, (pattern, name) => globMatches(pattern, name) === meaning(pattern).test(name)),
    )
  })

  it('is not stalled by many stars', () => {
    expect(globMatches('*a'.repeat(500), 'a'.repeat(10_000) + 'b')).toBe(false)
  })
})

describe('two globs', () => {
  it('are compared without a stall, however many stars they have', () => {
    const long = (letter: string): string => `*${letter}`.repeat(500)
    for (let count = 0; count < 20; count += 1) expect(globsOverlap(long('a'), long('b'))).toBe(false)
  })

  it('overlap where one name matches both', () => {
    fc.assert(
      fc.property(glob, glob, text, (a, b, name) => {
        if (globMatches(a, name) && globMatches(b, name)) expect(globsOverlap(a, b)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it('do not overlap where none does', () => {
    const names = fc.sample(text, 300)
    fc.assert(
      fc.property(glob, glob, (a, b) => {
        if (!globsOverlap(a, b))
          expect(names.filter((name) => globMatches(a, name) && globMatches(b, name))).toEqual([])
      }),
    )
    expect(globsOverlap('a*', '*b')).toBe(true)
    expect(globsOverlap('a*', 'b*')).toBe(false)
    expect(globsOverlap('ab?', 'a')).toBe(false)
  })

  it('cover only what they match', () => {
    fc.assert(
      fc.property(glob, glob, text, (a, b, name) => {
        if (globCovers(a, b) && globMatches(b, name)) expect(globMatches(a, name)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
    expect(globCovers('*', 'prod-*')).toBe(true)
    expect(globCovers('prod-*', 'prod-eu-*')).toBe(true)
    expect(globCovers('prod-*', '*')).toBe(false)
  })
})
