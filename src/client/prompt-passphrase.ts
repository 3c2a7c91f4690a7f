import { readSync, writeSync } from 'node:fs'
import { setImmediate as signalsHeard, setTimeout as sleep } from 'node:timers/promises'
import { GuardError } from '../domain/errors.ts'
import { limits } from '../protocol/limits.ts'
import { normalizePassphrase } from './prompt-normalize.ts'
import { HiddenInput } from './tty-hidden-input.ts'
import { openTerminal } from './tty-device.ts'
import type { Terminal } from './tty-device.ts'
import { pipelineNeighbours, processAgeMs } from './tty-process.ts'
import { askingFacts, whyNotAskForClient, whyNotAskPerson } from './tty-rules.ts'

export interface PassphraseQuestion {
  /** What stands before the cursor, without a line end; clean of control characters. */
  readonly text: string
  /** A client met a lock and asks on its own: the strict rules apply, not only "is there a terminal". */
  readonly forClient: boolean
  /** What to do after a cancel, where `kubeguard unlock` is not it. */
  readonly cure?: string
  /** How long to wait for the whole line. */
  readonly timeLimitMs?: number
}

const usualTimeLimitMs = 60_000

/** How often terminal, settings and foreground are looked at again while a person types. */
const lookEveryMs = 25

/** A program started beside us in a pipeline has taken the terminal by this age, if it will at all. */
const settledAfterMs = 300

const usualAsk = 'ask for the passphrase'

/**
 * @param ask what would be done here, as `FactorWords` has it
 * @throws GuardError `cannot-ask-here` where the rules forbid a prompt.
 */
export function assertMayAsk(forClient: boolean, ask: string = usualAsk): void {
  const terminal = openTerminal()
  if (terminal === undefined) throw cannotAsk('there is no terminal', ask)
  try {
    assertRules(terminal, forClient, ask)
  } finally {
    terminal.close()
  }
}

/**
 * Asks for a passphrase on the controlling terminal, never on stdin. Nothing is echoed; typed-ahead and
 * left-over keys are thrown away; the terminal's settings are put back however this ends.
 * @returns the passphrase, UTF-8 in NFC, without the line end. The caller zeroes it after use.
 * @throws GuardError `cannot-ask-here`, or `unlock-cancelled` for Ctrl-C, Ctrl-D, an empty line, the time limit.
 */
export async function promptPassphrase(question: PassphraseQuestion): Promise<Buffer> {
  const terminal = openTerminal()
  if (terminal === undefined) throw cannotAsk('there is no terminal')
  try {
    await pipelineSettled()
    assertRules(terminal, question.forClient)
    const line = await new Asking(terminal, question).run()
    return normalizePassphrase(line)
  } finally {
    terminal.close()
  }
}

function assertRules(terminal: Terminal, forClient: boolean, ask = usualAsk): void {
  const facts = askingFacts(terminal)
  const why = forClient ? whyNotAskForClient(facts) : whyNotAskPerson(facts)
  if (why !== undefined) throw cannotAsk(why, ask)
}

function cannotAsk(why: string, ask = usualAsk): GuardError {
  return new GuardError('cannot-ask-here', `can't ${ask} here: ${why}`)
}

/** `kubectl get pods | fzf`: fzf may start later than we do; whoever wants the terminal takes it at once. */
async function pipelineSettled(): Promise<void> {
  const ages = pipelineNeighbours().map(processAgeMs)
  const youngestMs = Math.min(...ages)
  if (youngestMs < settledAfterMs) await sleep(settledAfterMs - youngestMs)
}

/** Signals that end the question; the terminal must be put back before they do their work. */
const endingSignals = ['SIGTERM', 'SIGHUP'] as const
const cancellingSignals = ['SIGINT', 'SIGQUIT'] as const

/** One question, from echo off to echo on. */
class Asking {
  readonly #terminal: Terminal
  readonly #question: PassphraseQuestion
  readonly #input: HiddenInput
  readonly #typed = Buffer.alloc(limits.passphraseBytes + 1)
  #length = 0
  #cancelled = false
  #suspensions = 0

  constructor(terminal: Terminal, question: PassphraseQuestion) {
    this.#terminal = terminal
    this.#question = question
    this.#input = new HiddenInput(terminal)
  }

  /** @returns a copy of the line; what was read here is zeroed. */
  async run(): Promise<Buffer> {
    this.#listen('on')
    try {
      this.#begin()
      return await this.#readLine()
    } finally {
      this.#input.end()
      this.#say('\n')
      this.#listen('off')
      this.#typed.fill(0)
    }
  }

  #begin(): void {
    if (!this.#input.begin()) throw cannotAsk('another program uses this terminal')
    this.#say(this.#question.text)
  }

  async #readLine(): Promise<Buffer> {
    const endsAt = performance.now() + (this.#question.timeLimitMs ?? usualTimeLimitMs)
    for (;;) {
      if (this.#cancelled) throw this.#cancel('cancelled')
      if (performance.now() > endsAt) throw this.#cancel('nobody typed the passphrase in time')
      this.#assertUndisturbed()
      const line = await this.#lineTyped()
      if (line?.length === 0) throw this.#cancel('no passphrase was given')
      if (line !== undefined) return line
      await sleep(lookEveryMs)
    }
  }

  /** A line counts as typed where no Ctrl-C and no Ctrl-Z came before it: of these we hear after timers (libuv, uv_run). */
  async #lineTyped(): Promise<Buffer | undefined> {
    const suspensions = this.#suspensions
    const line = this.#read()
    if (line === undefined) return undefined
    await signalsHeard()
    if (!this.#cancelled && this.#suspensions === suspensions) return line
    line.fill(0)
    return undefined
  }

  /** @returns the line once Enter was pressed. */
  #read(): Buffer | undefined {
    const chunk = Buffer.alloc(this.#typed.length)
    try {
      const count = readSync(this.#terminal.fd, chunk)
      this.#assertUndisturbed()
      if (count === 0) throw this.#cancel('cancelled')
      return this.#append(chunk.subarray(0, count))
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EAGAIN') return undefined
      if (code === 'EIO') throw cannotAsk('the terminal went away')
      throw error
    } finally {
      chunk.fill(0)
    }
  }

  #append(bytes: Buffer): Buffer | undefined {
    const lineEnd = bytes.indexOf(0x0a)
    const part = lineEnd === -1 ? bytes : bytes.subarray(0, lineEnd)
    if (this.#length + part.length > limits.passphraseBytes) {
      throw this.#cancel(`a passphrase has at most ${limits.passphraseBytes} bytes`)
    }
    part.copy(this.#typed, this.#length)
    this.#length += part.length
    return lineEnd === -1 ? undefined : Buffer.from(this.#typed.subarray(0, this.#length))
  }

  #cancel(message: string): GuardError {
    const { cure } = this.#question
    return new GuardError('unlock-cancelled', message, cure === undefined ? {} : { cure })
  }

  #assertUndisturbed(): void {
    if (!this.#input.undisturbed) throw cannotAsk('another program took the terminal over')
  }

  /** A terminal that takes no output (Ctrl-S, hung up) must not end the question. */
  #say(text: string): void {
    try {
      writeSync(this.#terminal.fd, text)
    } catch {
      // The prompt is a courtesy; the rules above decide.
    }
  }

  #listen(change: 'on' | 'off'): void {
    for (const signal of cancellingSignals) process[change](signal, this.#interrupt)
    for (const signal of endingSignals) process[change](signal, this.#endBySignal)
    process[change]('SIGTSTP', this.#suspend)
    // A handler makes tcsetattr from the background fail instead of stopping us (tcsetattr(3)).
    process[change]('SIGTTOU', ignore)
    process[change]('exit', this.#restore)
  }

  readonly #interrupt = (): void => {
    this.#cancelled = true
  }

  readonly #restore = (): void => this.#input.end()

  readonly #endBySignal = (signal: NodeJS.Signals): void => {
    this.#input.end()
    this.#listen('off')
    process.kill(process.pid, signal)
  }

  /** Ctrl-Z: a sane terminal for the shell; after `fg` the question starts anew. */
  readonly #suspend = (): void => {
    this.#input.end()
    this.#typed.fill(0)
    this.#length = 0
    this.#suspensions += 1
    process.kill(process.pid, 'SIGSTOP')
    if (this.#input.begin()) this.#say(this.#question.text)
    else this.#cancelled = true
  }
}

const ignore = (): void => {}
