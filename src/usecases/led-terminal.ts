import type { LedTerminal } from './guarded-session.ts'
import type { ProcessFacts, ProcessId, ProcessTable } from './ports.ts'

type Inspects = Pick<ProcessTable, 'inspect'>

/**
 * The terminal that controls a process, as sudo and others tell one from another: by its device, its session's leader and
 * when that was started. What a process has open, as its input or otherwise, says nothing of that.
 */
export function ledTerminal(
  processes: Inspects,
  { ttyDevice, session }: ProcessFacts,
): LedTerminal | undefined {
  if (ttyDevice === 0) return undefined
  const leader = processes.inspect(session)
  if (leader === undefined || leader.session !== session || leader.ttyDevice !== ttyDevice) return undefined
  return { leader: { pid: leader.pid, startTicks: leader.startTicks }, device: ttyDevice }
}

/**
 * The terminal at which the person of a process is: its own, or, where that is a supervisor's inner one, the supervisor's. The
 * number of the inner device says little, another devpts may have it too: the leader there must be the supervisor's own child.
 *
 * @param supervisor of the terminal whose number the process' has
 */
export function personsTerminal(
  processes: Inspects,
  facts: ProcessFacts,
  supervisor: ProcessId | undefined,
): LedTerminal | undefined {
  if (supervisor === undefined) return ledTerminal(processes, facts)
  const outside = processes.inspect(supervisor.pid)
  const isInside = processes.inspect(facts.session)?.ppid === supervisor.pid
  const isIt = outside?.startTicks === supervisor.startTicks
  return ledTerminal(processes, outside !== undefined && isIt && isInside ? outside : facts)
}

/** A terminal that hangs up is taken from its session leader at once (tty_signal_session_leader in Linux' drivers/tty/tty_jobctrl.c). */
export function isThere(processes: Inspects, { leader, device }: LedTerminal): boolean {
  const now = processes.inspect(leader.pid)
  return now?.startTicks === leader.startTicks && now.ttyDevice === device
}
