import fc from 'fast-check'

interface Damage {
  readonly at: number
  readonly length: number
  readonly put: string
}

/** A piece of the text taken out, put in twice, or replaced by something that YAML gives a meaning. */
export const damageBy = (put: fc.Arbitrary<string>): fc.Arbitrary<Damage> =>
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat({ max: 12 }), put })

export function damaged(text: string, { at, length, put }: Damage): string {
  const from = Math.floor(at * text.length)
  return text.slice(0, from) + put + text.slice(from + length)
}
