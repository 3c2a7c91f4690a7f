import type { Command } from './command.ts'
import type { Session } from './session.ts'

/**
 * The answer of the gate. A completion is denied without a word and exits with 0: it must not disturb. Who of those
 * challenged asks, waits or is refused is no matter of the gate.
 */
export type Verdict = 'allow' | 'challenge' | 'deny-completion'

export interface GateQuestion {
  readonly command: Pick<Command, 'verbClass' | 'completion'>
  readonly session: Session
  /** The asker is one of the processes that a held session still serves. */
  readonly served: boolean
}

/**
 * May this command go ahead now? Pure; the caller has looked at the clock already, by
 * `transition(session, { type: 'time-passed' }, now)`, so a session past a deadline is locked here.
 */
export function decide({ command, session, served }: GateQuestion): Verdict {
  if (command.verbClass === 'local' || command.verbClass === 'unasked') return 'allow'
  if (session.state === 'unlocked') return 'allow'
  if (session.state === 'held' && served) return 'allow'
  return command.completion ? 'deny-completion' : 'challenge'
}
