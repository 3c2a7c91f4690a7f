import { foregroundGroup, processGroup, terminalSettings } from '../platform/libc.ts'
import { inputTime } from './tty-device.ts'
import type { InputTime, Terminal } from './tty-device.ts'
import { clientProcess, fullScreenAncestor, processAgeMs } from './tty-process.ts'
import { isCanonical } from './tty-settings.ts'

/** A person typed within this time. The kernel notes it up to 8 s late. */
const humanWithinMs = 30_000
const kernelLagMs = 8_000
/** A terminal that was opened this moment has a person before it, though no key was noted yet. */
const justOpenedMs = 10_000
/** An old client asks for itself (a refresh in the background), not for a person who waits for it. */
const clientWithinMs = 10_000

/** What is known where a command wants to ask for the passphrase on behalf of a client. */
export interface AskingFacts {
  readonly prompt: string | undefined
  readonly foreground: boolean
  readonly canonical: boolean
  readonly input: InputTime | undefined
  readonly clientAgeMs: number | undefined
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

/** For a client such as kubectl or helm that met a lock: everything above, and a person must be there. */
export function whyNotAskForClient(facts: AskingFacts): string | undefined {
  return whyNotAskPerson(facts) ?? whyNobodyWaits(facts)
}

function whyNobodyWaits({ input, clientAgeMs, fullScreen }: AskingFacts): string | undefined {
  if (fullScreen !== undefined) return `${fullScreen} has the screen`
  if (clientAgeMs === undefined) return 'the program that asks is gone'
  if (clientAgeMs > clientWithinMs) return 'the program that asks has been running for a while'
  if (input === undefined || input.ageMs < 0) return 'nothing shows that somebody is at this terminal'
  const allowedMs = input.fresh ? justOpenedMs : humanWithinMs + kernelLagMs
  return input.ageMs > allowedMs ? 'nobody has typed at this terminal for a while' : undefined
}

/** Looks at the terminal, the process groups and the client as they are now. */
export function askingFacts(terminal: Terminal): AskingFacts {
  const client = clientProcess()
  return {
    prompt: process.env['KUBEGUARD_PROMPT'],
    foreground: inForeground(terminal),
    canonical: isCanonical(terminalSettings(terminal.fd)),
    input: inputTime(terminal.path),
    clientAgeMs: client === undefined ? undefined : processAgeMs(client),
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
