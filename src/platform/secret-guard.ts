/**
 * The last net before text is kept: no code of ours passes a secret to the journal or the log, and this is
 * what holds should one ever do so. It errs towards withholding.
 */
export const withheld = '[withheld]'

const secretNames =
  /token|pass(phrase|word|wd)|secret|ticket|authorization|bearer|cookie|private.?key|key.?data|identity/i

/** PEM, age identities, JSON web tokens, bootstrap and service-account style tokens, authorization headers. */
const secretTexts = [
  /-----BEGIN[^]*?(-----END [A-Z ]+-----|$)/g,
  /AGE-(SECRET-KEY|PLUGIN)-[0-9A-Z-]+/gi,
  /\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?/g,
  /\bbearer\s+[A-Za-z0-9+/=._~-]{16,}/gi,
  /\bauthorization:\s*\S+(\s+\S+)?/gi,
  /\b(token|password|passphrase|secret)(["']?\s*[=:]\s*["']?)[^\s"',;]{6,}/gi,
  /\bLS0tLS1CRUdJTi[A-Za-z0-9+/=]*/g,
]

/** Does a field of this name hold a secret, whatever is in it? */
export function isSecretName(name: string): boolean {
  return secretNames.test(name)
}

/** The text with everything that looks like a secret replaced. */
export function maskSecrets(text: string): string {
  return secretTexts.reduce((masked, pattern) => masked.replace(pattern, withheld), text)
}
