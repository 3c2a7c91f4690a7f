import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { GuardError } from '../domain/errors.ts'
import { plainText } from '../domain/plain-text.ts'

/** The end of this process with words of the daemon's, or none, and its exit code. */
export class Ended extends Error {
  override readonly name = 'Ended'
  readonly exitCode: number

  constructor(exitCode: number, text = '') {
    super(text)
    this.exitCode = exitCode
  }
}

const prefix = 'kubeguard: '

/** Longer than any line that helps anyone. */
const mostCharacters = 4_000

/**
 * @returns message and cure of a failure as lines; for what nobody expected only its kind: its text could
 * hold anything.
 */
export function linesOf(error: unknown): { text: string; exitCode: number } {
  if (error instanceof Ended) return { text: error.message, exitCode: error.exitCode }
  const failure =
    error instanceof GuardError
      ? error
      : new GuardError('internal', `unexpected ${error instanceof Error ? error.name : 'failure'}`)
  return { text: `${failure.message}\n${failure.cure}`, exitCode: failure.exitCode }
}

/** Prints lines on standard error; in one line for the credential plugin, whose clients show it as it is. */
export async function say(text: string, oneLine: boolean): Promise<void> {
  const lines = text.replace(/\n+$/, '')
  if (lines === '') return
  const clean = (lines.startsWith(prefix) ? lines : prefix + lines)
    .split('\n')
    .map((line) => plainText(line, mostCharacters))
    .join(oneLine ? '; ' : '\n')
  await writeAll(2, Buffer.from(`${clean}\n`)).catch(() => {})
}

/** Writes all of it, also to a pipe that somebody made non-blocking. @throws when nobody reads it. */
export async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(fd, bytes, written)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      await sleep(5)
    }
  }
}
