import type { Departure } from '../domain/departure.ts'
import type { GuardedSession } from './guarded-session.ts'
import { isThere } from './led-terminal.ts'
import type { ProcessTable } from './ports.ts'

interface Deps {
  /** How long this machine has slept since it was started, in ms: it grows by sleep alone. */
  readonly sleptMs: () => number
  readonly processes: Pick<ProcessTable, 'inspect'>
}

/** Two clocks that run apart by nothing but sleep; less than this is no sleep. */
const shortestSleepMs = 1_000

/**
 * A sign of leaving that needs nobody to tell of it: the machine has slept since the last look, or a terminal is gone: the
 * ssh terminal, or the one whose session it is, whatever the rules say.
 * So a sleep that no service announced is found by the first request after it.
 */
export function unnoticedDeparture(deps: Deps, guarded: GuardedSession): Departure | undefined {
  const sleptBefore = guarded.sleptMs
  guarded.sleptMs = deps.sleptMs()
  const { session, terminal } = guarded
  // Also while somebody is asked: nothing is opened for a terminal that is gone. What it is held for goes, too.
  if (terminal !== undefined && session.state !== 'locked' && !isThere(deps.processes, terminal))
    return 'disconnect'
  if (session.state !== 'unlocked' && session.state !== 'held') return undefined
  const { lockOn, remote } = guarded
  if (lockOn.includes('suspend') && guarded.sleptMs - sleptBefore >= shortestSleepMs) return 'suspend'
  if (remote === undefined || !lockOn.includes('disconnect')) return undefined
  return isThere(deps.processes, remote) ? undefined : 'disconnect'
}
