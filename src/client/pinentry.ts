import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { statSync } from 'node:fs'
import { GuardError } from '../domain/errors.ts'
import { allowListedEnvironment } from '../hardening/environment.ts'
import { limits } from '../protocol/limits.ts'
import { normalizePassphrase } from './prompt-normalize.ts'
import { AssuanLines, escaped } from './pinentry-lines.ts'
import type { Answer } from './pinentry-lines.ts'

export interface PinentryQuestion {
  /** Its full path, from the policy. */
  readonly program: string
  /** What is asked for, in a few words. */
  readonly text: string
  /** Why it is asked again. */
  readonly error?: string | undefined
  /** How long a person may take; whole seconds. */
  readonly timeLimitMs?: number
}

const usualTimeLimitMs = 60_000
/** Pinentry ends a question by itself when its time is over; one that hangs is ended by us. */
const patienceMs = 5_000

/** What a dialog needs to find the desktop, or the terminal that GPG_TTY names, and to speak the person's language. */
const desktopVariables = ['DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'DBUS_SESSION_BUS_ADDRESS', 'TERM']

const endingSignals = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const

/**
 * Asks by a pinentry (the Assuan protocol of GnuPG's): a dialog of its own, on a desktop or another terminal. It lives for
 * one question, and not longer than this process where a signal ends that.
 * @returns the passphrase, UTF-8 in NFC. The caller zeroes it.
 * @throws GuardError `cannot-ask-here` where the program can't be trusted or started; `unlock-cancelled` for a no, the time
 *   limit, and whatever else goes wrong once it was started: it must not be shown again by whoever comes next.
 */
export async function askByPinentry(question: PinentryQuestion): Promise<Buffer> {
  assertTrusted(question.program)
  const child = spawn(question.program, [], {
    cwd: '/',
    env: environment(),
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const end = (): void => void child.kill('SIGKILL')
  const endBySignal = (signal: NodeJS.Signals): void => {
    end()
    stop()
    process.kill(process.pid, signal)
  }
  const stop = (): void => endingSignals.forEach((signal) => process.off(signal, endBySignal))
  endingSignals.forEach((signal) => process.on(signal, endBySignal))
  try {
    return normalizePassphrase(await converse(child as unknown as ChildProcessWithoutNullStreams, question))
  } finally {
    stop()
    end()
  }
}

/** For who looks before somebody has to be asked: nothing is shown. @returns what is wrong with it; undefined for nothing */
export async function whyNoPinentry(program: string, timeLimitMs = 10_000): Promise<string | undefined> {
  const why = whyNotTrusted(program)
  if (why !== undefined) return why
  const child = spawn(program, [], { cwd: '/', env: environment(), stdio: ['pipe', 'pipe', 'ignore'] })
  const answered = new AssuanLines(child.stdout)
  const failed = new Promise<string>((resolve) => {
    child.once('error', () => resolve('can’t be started'))
    child.stdin.once('error', () => resolve('ends without an answer'))
    child.once('exit', () => setImmediate(() => resolve('ends without an answer')))
    setTimeout(() => resolve('does not answer'), timeLimitMs).unref()
  })
  const asked = async (): Promise<string | undefined> => {
    await answered.answer()
    child.stdin.write('GETINFO version\n')
    return (await answered.answer()).ok ? undefined : 'does not say which version it is: it is no pinentry'
  }
  try {
    return await Promise.race([asked(), failed])
  } finally {
    child.kill('SIGKILL')
  }
}

/** It is given the passphrase: nobody but root and this account may have put it there. */
function whyNotTrusted(program: string): string | undefined {
  const facts = statSync(program, { throwIfNoEntry: false })
  if (facts === undefined) return 'is not there'
  if (!facts.isFile() || (facts.mode & 0o111) === 0) return 'is no program'
  if (facts.uid !== 0 && facts.uid !== process.getuid?.()) return 'belongs to another account'
  return (facts.mode & 0o022) === 0 ? undefined : 'can be changed by others'
}

function assertTrusted(program: string): void {
  const why = whyNotTrusted(program)
  if (why === undefined) return
  throw new GuardError('cannot-ask-here', `can’t ask for the passphrase here: ${program} (pinentry) ${why}`, {
    cure: 'mend pinentry in the policy file, or run in a terminal: kubeguard unlock',
  })
}

function environment(): Record<string, string> {
  const own = allowListedEnvironment(process.env)
  for (const name of desktopVariables) {
    const value = process.env[name]
    if (value !== undefined) own[name] = value
  }
  return own
}

async function converse(
  child: ChildProcessWithoutNullStreams,
  { text, error, timeLimitMs = usualTimeLimitMs }: PinentryQuestion,
): Promise<Buffer> {
  const failed = new Promise<never>((_, reject) => {
    child.once('error', () => reject(cancelled('pinentry can’t be started')))
    child.stdin.once('error', () => reject(cancelled('pinentry ended without an answer')))
    child.once('exit', () => setImmediate(() => reject(cancelled('pinentry ended without an answer'))))
    setTimeout(() => reject(late()), timeLimitMs + patienceMs).unref()
  })
  failed.catch(() => {})
  const lines = new AssuanLines(child.stdout)
  const say = async (command: string): Promise<Answer> => {
    child.stdin.write(`${command}\n`)
    return Promise.race([lines.answer(), failed])
  }
  await Promise.race([lines.answer(), failed])
  for (const option of options()) await say(`OPTION ${option}`)
  await say(`SETTIMEOUT ${Math.ceil(timeLimitMs / 1000)}`)
  await say('SETTITLE kubeguard')
  await say(`SETDESC ${escaped(text)}`)
  await say('SETPROMPT Passphrase:')
  if (error !== undefined) await say(`SETERROR ${escaped(error)}`)
  const { ok, data, code } = await say('GETPIN')
  if (!ok) throw code === timedOut ? late() : cancelled('cancelled')
  if (data.length === 0) throw cancelled('no passphrase was given')
  if (data.length > limits.passphraseBytes) {
    data.fill(0)
    throw cancelled(`a passphrase has at most ${limits.passphraseBytes} bytes`)
  }
  return data
}

/** What gpg-agent tells a pinentry of where to ask. One that knows an option not says so, and that is all. */
function options(): string[] {
  const { GPG_TTY: tty, TERM: term, LC_ALL, LC_CTYPE, LANG } = process.env
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '')
  const known = [
    ['ttyname', tty],
    ['ttytype', term],
    ['lc-ctype', locale],
  ] as const
  // What holds a blank or a control character is none of these.
  return known.flatMap(([name, value]) => (/^[\x21-\x7e]+$/.test(value ?? '') ? [`${name}=${value}`] : []))
}

/** libgpg-error: GPG_ERR_TIMEOUT; the number of who tells is in the bits above 16. */
const timedOut = 62

const cancelled = (message: string): GuardError =>
  new GuardError('unlock-cancelled', message, { cure: 'run in a terminal: kubeguard unlock' })
const late = (): GuardError => cancelled('nobody typed the passphrase in time')
