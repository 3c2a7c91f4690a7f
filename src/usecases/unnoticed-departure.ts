import type { Departure } from '../domain/departure.ts'
import type { GuardedSession, RemoteTerminal } from './guarded-session.ts'
import type { ProcessTable } from './ports.ts'

interface Deps {
  /** How long this machine has slept since it was started, in ms: it grows by sleep alone. */
  readonly sleptMs: () => number
  readonly processes: Pick<ProcessTable, 'inspect'>
}

/** Two clocks that run apart by nothing but sleep; less than this is no sleep. */
const shortestSleepMs = 1_000

/**
 * A sign of leaving that needs nobody to tell of it: the machine has slept since the last look, or the ssh terminal is gone.
 * So a sleep that no service announced is found by the first request after it.
 */
export function unnoticedDeparture(deps: Deps, guarded: GuardedSession): Departure | undefined {
  const sleptBefore = guarded.sleptMs
  guarded.sleptMs = deps.sleptMs()
  if (guarded.session.state !== 'unlocked' && guarded.session.state !== 'held') return undefined
  const { lockOn, remote } = guarded
  if (lockOn.includes('suspend') && guarded.sleptMs - sleptBefore >= shortestSleepMs) return 'suspend'
  if (remote === undefined || !lockOn.includes('disconnect')) return undefined
  return isThere(deps, remote) ? undefined : 'disconnect'
}

/** A terminal that hangs up is taken from its session leader at once (tty_signal_session_leader in Linux' drivers/tty/tty_jobctrl.c). */
function isThere({ processes }: Deps, { leader, device }: RemoteTerminal): boolean {
  const now = processes.inspect(leader.pid)
  return now?.startTicks === leader.startTicks && now.ttyDevice === device
}
