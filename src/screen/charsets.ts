import type { Charset, Core } from './terminal-core.ts'

/** Lines and, for the British, a pound: the sets that programs of today still choose. */
export function nameOf(set: Charset | undefined): '0' | 'A' | 'B' {
  if (set?.['q'] === '─') return '0'
  return set?.['#'] === '£' ? 'A' : 'B'
}

const intermediates = ['(', ')', '*', '+']

/** What chooses all of them, and which of them draws. */
export function chooseCharsets({ _charsetService: { glevel, _charsets } }: Core): string {
  const chosen = intermediates.map((intermediate, index) => {
    const set = _charsets[index]
    return set === undefined ? '' : `\x1b${intermediate}${nameOf(set)}`
  })
  return chosen.join('') + (['', '\x0e', '\x1bn', '\x1bo'][glevel] ?? '')
}

/** Draws another one than is chosen? DECRC has brought it back. */
export const isBroughtBack = ({ _charsetService: { charset, glevel, _charsets } }: Core): boolean =>
  nameOf(charset) !== nameOf(_charsets[glevel])

/** Does an `a` draw an `a`? */
export const drawsLetters = ({ _charsetService: { charset } }: Core): boolean => nameOf(charset) === 'B'
