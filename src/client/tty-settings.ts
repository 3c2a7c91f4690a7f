/**
 * The bits of a `struct termios` (termios(3)) that asking for a passphrase is about, as Linux lays the
 * structure out on every architecture we support: c_iflag, c_oflag, c_cflag, c_lflag, four bytes each.
 */
const inputFlags = 0
const localFlags = 12

const ICRNL = 0o000400
const IGNCR = 0o000200
const ISIG = 0o000001
const ICANON = 0o000002
const ECHO = 0o000010
const ECHONL = 0o000100

/** Does the terminal hand over whole lines? A program that reads single keys has switched that off. */
export function isCanonical(settings: Buffer): boolean {
  return (settings.readUInt32LE(localFlags) & ICANON) !== 0
}

/** @returns the same settings for typing a secret: nothing shown, Enter ends the line, Ctrl-C interrupts. */
export function withoutEcho(settings: Buffer): Buffer {
  const hidden = Buffer.from(settings)
  const local = hidden.readUInt32LE(localFlags)
  hidden.writeUInt32LE(((local | ICANON | ISIG) & ~(ECHO | ECHONL)) >>> 0, localFlags)
  hidden.writeUInt32LE(((hidden.readUInt32LE(inputFlags) | ICRNL) & ~IGNCR) >>> 0, inputFlags)
  return hidden
}
