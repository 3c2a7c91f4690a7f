import { GuardError } from '../domain/errors.ts'

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The one spelling of a passphrase: UTF-8 in NFC, so that é typed on two keyboards is the same. Plain ASCII
 * is that already, and never becomes a string, which can't be erased. The bytes given are zeroed where a
 * new buffer is returned.
 * @throws GuardError `usage` for bytes that are not UTF-8 or hold a NUL.
 */
export function normalizePassphrase(bytes: Buffer): Buffer {
  if (bytes.includes(0)) throw notText(bytes)
  if (bytes.every((byte) => byte < 0x80)) return bytes
  try {
    return Buffer.from(strictUtf8.decode(bytes).normalize('NFC'))
  } catch {
    throw notText(bytes)
  } finally {
    bytes.fill(0)
  }
}

function notText(bytes: Buffer): GuardError {
  bytes.fill(0)
  return new GuardError('usage', 'the passphrase is not UTF-8 text', { cure: 'type it in a UTF-8 terminal' })
}
