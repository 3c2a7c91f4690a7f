import { setTimeout as pause } from 'node:timers/promises'
import { openTerminal } from '../client/tty-device.ts'
import type { Terminal } from '../client/tty-device.ts'
import { inForeground } from '../client/tty-rules.ts'
import { GuardError } from '../domain/errors.ts'
import { flushTerminalInput } from '../platform/libc.ts'
import { say } from './output.ts'

const pauseMs = 200
/** Whoever typed the command is still there; nobody else need be waited for. */
const patienceMs = 15_000

/**
 * Asks the daemon for what it grants a person alone. Where it has not seen the person yet, as on a terminal
 * just opened, they are asked to press Enter: the daemon sees the line that lies unread, and the call is made
 * again until it does. A loop around this gains nothing, since nobody presses.
 *
 * @throws GuardError what the daemon refused with
 */
export async function givePersonsWord<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    const terminal = isUnseen(error) ? ownTerminal() : undefined
    if (terminal === undefined) throw error
    try {
      return await askForKey(ask, terminal)
    } finally {
      terminal.close()
    }
  }
}

const isUnseen = (error: unknown): boolean => error instanceof GuardError && error.code === 'no-person'

function ownTerminal(): Terminal | undefined {
  if (process.env['KUBEGUARD_PROMPT'] === 'never' || !process.stderr.isTTY) return undefined
  const terminal = openTerminal()
  if (terminal === undefined || inForeground(terminal)) return terminal
  terminal.close()
  return undefined
}

async function askForKey<Answer>(ask: () => Promise<Answer>, terminal: Terminal): Promise<Answer> {
  say('press Enter to show that you are here')
  const endsAtMs = performance.now() + patienceMs
  for (;;) {
    await pause(pauseMs)
    try {
      const answer = await ask()
      // What was pressed for us is not the next program's.
      flushTerminalInput(terminal.fd)
      return answer
    } catch (error) {
      if (!isUnseen(error) || performance.now() > endsAtMs) throw error
    }
  }
}
