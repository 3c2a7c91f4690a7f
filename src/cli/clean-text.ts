import { plainText } from '../domain/plain-text.ts'

/** Longer than any name or message that helps anyone. */
const mostCharacters = 4_000

/** @returns foreign text as one harmless line for a terminal. */
export function clean(text: string): string {
  return plainText(text, mostCharacters)
}

/** As `clean`, but line ends and tabs stay: for texts of several lines, such as a diff. */
export function cleanLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.split('\t').map(clean).join('\t'))
    .join('\n')
}
