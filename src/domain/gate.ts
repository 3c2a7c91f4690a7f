import type { Command } from './command.ts'
import type { Session } from './session.ts'

/** The answer of the gate. `silent` refusals say nothing and exit 0: completion must not disturb. */
export type Verdict =
  | { readonly verdict: 'allow' }
  | { readonly verdict: 'challenge' }
  | { readonly verdict: 'deny'; readonly because: 'locked' | 'completion' }

export interface GateQuestion {
  readonly command: Pick<Command, 'verbClass' | 'completion'>
  readonly session: Session
  /** The asker is one of the processes that a held session still serves. */
  readonly served: boolean
  /** The asker has a terminal and has not been asked for this command yet. */
  readonly mayAsk: boolean
}

/**
 * May this command go ahead now? Pure; the caller has looked at the clock already, by
 * `transition(session, { type: 'time-passed' }, now)`, so a session past a deadline is locked here.
 */
export function decide({ command, session, served, mayAsk }: GateQuestion): Verdict {
  if (command.verbClass === 'local') return { verdict: 'allow' }
  if (session.state === 'unlocked' || (session.state === 'held' && served)) return { verdict: 'allow' }
  if (command.completion) return { verdict: 'deny', because: 'completion' }
  return mayAsk ? { verdict: 'challenge' } : { verdict: 'deny', because: 'locked' }
}
