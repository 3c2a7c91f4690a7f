import { foregroundGroup, processGroup, terminalSettings } from '../platform/libc.ts'
import { inputTime } from './tty-device.ts'
import type { InputTime, Terminal } from './tty-device.ts'
import { fullScreenAncestor } from './tty-process.ts'
import { isCanonical } from './tty-settings.ts'

/** A person typed within this time. The kernel notes it up to 8 s late. */
const humanWithinMs = 30_000
const kernelLagMs = 8_000
/** A terminal that was opened this moment has a person before it, though no key was noted yet. */
const justOpenedMs = 10_000

/** What is known where a command wants to ask for the passphrase on behalf of a client. */
export interface AskingFacts {
  readonly prompt: string | undefined
  readonly foreground: boolean
  readonly canonical: boolean
  readonly input: InputTime | undefined
  /** The name of an editor or the like that runs us and has the screen. */
  readonly fullScreen: string | undefined
}

/** For a person who typed `kubeguard unlock`. @returns why asking is impossible here, or undefined. */
export function whyNotAskPerson(
  facts: Pick<AskingFacts, 'prompt' | 'foreground' | 'canonical'>,
): string | undefined {
  if (facts.prompt === 'never') return 'KUBEGUARD_PROMPT is never'
  if (!facts.foreground) return 'this command runs in the background'
  if (!facts.canonical) return 'another program reads keys from this terminal'
  return undefined
}

/**
 * For a client such as kubectl or helm that met a lock: everything above, and a person must be there. That the client
 * is none of a background job's, nor an old one's, was the daemon's to see.
 */
export function whyNotAskForClient(facts: AskingFacts): string | undefined {
  return whyNotAskPerson(facts) ?? whyNobodyWaits(facts)
}

function whyNobodyWaits({ input, fullScreen }: AskingFacts): string | undefined {
  if (fullScreen !== undefined) return `${fullScreen} has the screen`
  if (input === undefined || input.ageMs < 0) return 'nothing shows that somebody is at this terminal'
  const allowedMs = input.fresh ? justOpenedMs : humanWithinMs + kernelLagMs
  return input.ageMs > allowedMs ? 'nobody has typed at this terminal for a while' : undefined
}

/** Looks at the terminal, the process groups and the client as they are now. */
export function askingFacts(terminal: Terminal): AskingFacts {
  return {
    prompt: process.env['KUBEGUARD_PROMPT'],
    foreground: inForeground(terminal),
    canonical: isCanonical(terminalSettings(terminal.fd)),
    input: inputTime(terminal.path),
    fullScreen: fullScreenAncestor(),
  }
}

export function inForeground(terminal: Terminal): boolean {
  try {
    return foregroundGroup(terminal.fd) === processGroup()
  } catch {
    return false
  }
}
