import { fstatSync, readSync } from 'node:fs'
import { isatty } from 'node:tty'
import { setTimeout as sleep } from 'node:timers/promises'
import { GuardError } from '../domain/errors.ts'
import { limits } from '../protocol/limits.ts'
import { normalizePassphrase } from './prompt-normalize.ts'

/**
 * Reads one line from a descriptor that a secret store feeds: `--passphrase-fd N`. Read byte by byte, so that
 * a second line stays there for the next question (`init` and `passwd` may need two).
 * @returns the passphrase, UTF-8 in NFC, without the line end. The caller zeroes it after use.
 * @throws GuardError `usage` for a descriptor that is not open, a terminal, a line that is empty or too long.
 */
export async function readPassphraseFrom(fd: number): Promise<Buffer> {
  assertFeedable(fd)
  const typed = Buffer.alloc(limits.passphraseBytes)
  const byte = Buffer.alloc(1)
  let length = 0
  try {
    while ((await readByte(fd, byte)) && byte[0] !== 0x0a) {
      if (length === typed.length) throw unusable(fd, `gave more than ${typed.length} bytes`)
      length += byte.copy(typed, length)
    }
    if (length > 0 && typed[length - 1] === 0x0d) length -= 1
    if (length === 0) throw unusable(fd, 'gave no passphrase')
    return normalizePassphrase(Buffer.from(typed.subarray(0, length)))
  } finally {
    typed.fill(0)
    byte.fill(0)
  }
}

function assertFeedable(fd: number): void {
  try {
    fstatSync(fd)
  } catch {
    throw unusable(fd, 'is not open')
  }
  if (isatty(fd)) throw unusable(fd, 'is a terminal')
}

/** @returns false at the end. A pipe that somebody made non-blocking is asked again. */
async function readByte(fd: number, byte: Buffer): Promise<boolean> {
  for (;;) {
    try {
      return readSync(fd, byte) === 1
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EOF') return false
      if (code !== 'EAGAIN') throw unusable(fd, `can't be read (${code ?? 'unknown error'})`)
      await sleep(10)
    }
  }
}

function unusable(fd: number, wrong: string): GuardError {
  return new GuardError('usage', `descriptor ${fd} ${wrong}`, {
    cure: 'feed one line to it: secret-tool lookup … | kubeguard unlock --passphrase-fd 0',
  })
}
