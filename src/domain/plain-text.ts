/** What a terminal may act on, or that hides text: control characters, line separators, direction marks. */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu

/**
 * Text from elsewhere as one harmless line: runs of control characters become one space, half surrogates
 * are replaced, and what is longer than `mostCharacters` is cut, with an ellipsis.
 */
export function plainText(text: string, mostCharacters: number): string {
  const clean = text
    .slice(0, mostCharacters * 4)
    .toWellFormed()
    .replace(unsafe, ' ')
  if (clean.length <= mostCharacters) return clean
  return `${clean.slice(0, mostCharacters - 1).toWellFormed()}…`
}
