import { GuardError } from '../domain/errors.ts'
import { sayFailure } from './output.ts'

/** Where a passphrase comes from: the terminal, or a descriptor that a secret store feeds. */
export interface PassphraseSource {
  readonly onTerminal: boolean
  /** The passphrase that exists. The caller zeroes it. */
  ask(text: string): Promise<Buffer>
  /** A new one: typed twice and strong enough. The caller zeroes it. */
  askNew(text: string): Promise<Buffer>
  /** The last answer was wrong: ask anew, where answers are kept. */
  forget?(): void
}

export interface SourceOptions {
  readonly passphraseFd?: number | undefined
  /** A client met a lock and asks on its own: the strict rules. */
  readonly forClient?: boolean
  /** What to do after a cancel. */
  readonly cure?: string
}

/** @throws GuardError `cannot-ask-here` where the terminal is the source and can't be asked. */
export async function passphraseSource(options: SourceOptions): Promise<PassphraseSource> {
  const { passphraseFd } = options
  if (passphraseFd !== undefined) return fromDescriptor(passphraseFd)
  const { assertMayAsk } = await import('../client/prompt-passphrase.ts')
  assertMayAsk(options.forClient ?? false)
  return fromTerminal(options)
}

/**
 * One passphrase opens all of a user's vaults: asked once, given as often as wanted. `forget` erases it.
 */
export function askedOnce(source: PassphraseSource): Required<PassphraseSource> {
  let kept: Buffer | undefined
  return {
    ...source,
    async ask(text) {
      kept ??= await source.ask(text)
      return Buffer.from(kept)
    },
    forget() {
      kept?.fill(0)
      kept = undefined
    },
  }
}

async function fromDescriptor(fd: number): Promise<PassphraseSource> {
  const { readPassphraseFrom } = await import('../client/prompt-from-fd.ts')
  const askNew = async (): Promise<Buffer> => {
    const passphrase = await readPassphraseFrom(fd)
    const weakness = weaknessOf(passphrase)
    if (weakness === undefined) return passphrase
    passphrase.fill(0)
    throw new GuardError('usage', weakness, { cure: 'choose another one, such as four or more random words' })
  }
  return { onTerminal: false, ask: () => readPassphraseFrom(fd), askNew }
}

async function fromTerminal({ forClient = false, cure }: SourceOptions): Promise<PassphraseSource> {
  const { promptPassphrase } = await import('../client/prompt-passphrase.ts')
  const ask = (text: string): Promise<Buffer> =>
    promptPassphrase({ text: `kubeguard: ${text}: `, forClient, ...(cure === undefined ? {} : { cure }) })
  return { onTerminal: true, ask, askNew: (text) => askTwice(ask, text) }
}

async function askTwice(ask: (text: string) => Promise<Buffer>, text: string): Promise<Buffer> {
  for (;;) {
    const first = await ask(text)
    const weakness = weaknessOf(first)
    if (weakness !== undefined) {
      first.fill(0)
      sayFailure(weakness, 'choose another one, such as four or more random words')
      continue
    }
    const second = await ask('the same again')
    const same = first.equals(second)
    second.fill(0)
    if (same) return first
    first.fill(0)
    sayFailure('the two are not the same', 'type it again')
  }
}

const leastCharacters = 10
const leastDifferent = 5

/**
 * The vault's key is as strong as the passphrase against somebody who took the file.
 * @returns what is wrong with a new one, or undefined. Bytes are looked at, so that no string is left behind.
 */
export function weaknessOf(passphrase: Buffer): string | undefined {
  // A UTF-8 character has exactly one byte that is no continuation (0b10xxxxxx).
  const characters = passphrase.reduce((count, byte) => count + ((byte & 0xc0) === 0x80 ? 0 : 1), 0)
  if (characters < leastCharacters) return `a passphrase has at least ${leastCharacters} characters`
  if (new Set(passphrase).size < leastDifferent) return 'this passphrase repeats too few characters'
  return isRun(passphrase) ? 'this passphrase is a mere sequence' : undefined
}

/** `abcdefghij`, `9876543210`: each step the same. */
function isRun(bytes: Buffer): boolean {
  const step = (bytes[1] ?? 0) - (bytes[0] ?? 0)
  return bytes.every((byte, index) => index === 0 || byte - (bytes[index - 1] ?? 0) === step)
}
