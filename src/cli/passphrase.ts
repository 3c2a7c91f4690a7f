import { GuardError } from '../domain/errors.ts'
import { sayFailure } from './output.ts'
import { weaknessOf } from './passphrase-strength.ts'

/** Where a passphrase comes from: the terminal, or a descriptor that a secret store feeds. */
export interface PassphraseSource {
  readonly onTerminal: boolean
  /** A person is asked, who may mistype: on the terminal, or by a pinentry. */
  readonly asksPerson: boolean
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
    async askNew(text) {
      const chosen = await source.askNew(text)
      kept?.fill(0)
      kept = Buffer.from(chosen)
      return chosen
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
    const weakness = await weaknessOf(passphrase)
    if (weakness === undefined) return passphrase
    passphrase.fill(0)
    throw new GuardError('usage', weakness.wrong, { cure: weakness.better })
  }
  return { onTerminal: false, asksPerson: false, ask: () => readPassphraseFrom(fd), askNew }
}

async function fromTerminal({ forClient = false, cure }: SourceOptions): Promise<PassphraseSource> {
  const { promptPassphrase } = await import('../client/prompt-passphrase.ts')
  const ask = (text: string): Promise<Buffer> =>
    promptPassphrase({ text: `kubeguard: ${text}: `, forClient, ...(cure === undefined ? {} : { cure }) })
  return { onTerminal: true, asksPerson: true, ask, askNew: (text) => askTwice(ask, text) }
}

/** One dialog at a time for the account, whatever it asks for. */
export function fromPinentry(program: string): PassphraseSource {
  let asked = false
  const ask = async (text: string): Promise<Buffer> => {
    const [{ askByPinentry }, { takeTurnAt }] = await Promise.all([
      import('../client/pinentry.ts'),
      import('../client/prompt-turn.ts'),
    ])
    const turn = await takeTurnAt('pinentry')
    const error = asked ? 'wrong passphrase' : undefined
    asked = true
    try {
      return await askByPinentry({ program, text: `kubeguard: ${text}`, error })
    } finally {
      turn.release()
    }
  }
  return { onTerminal: false, asksPerson: true, ask, askNew: (text) => askTwice(ask, text) }
}

async function askTwice(ask: (text: string) => Promise<Buffer>, text: string): Promise<Buffer> {
  for (;;) {
    const first = await ask(text)
    const weakness = await weaknessOf(first)
    if (weakness !== undefined) {
      first.fill(0)
      sayFailure(weakness.wrong, weakness.better)
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
