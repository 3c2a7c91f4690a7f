import { GuardError } from '../domain/errors.ts'
import type { Clock, ProcessFacts, ProcessTable, TerminalId, Terminals } from './ports.ts'

interface Deps {
  readonly clock: Clock
  readonly processes: Pick<ProcessTable, 'inspect'>
  readonly terminals: Terminals
}

/** Whoever typed a command is there for this long after it; the kernel notes a key up to 8 s late. */
const typedWithinMs = 38_000

/**
 * Who gives a person's word: a process in the foreground of a terminal at which somebody has just typed. Not
 * a script without one, cron, a job in the background, or a loop that goes on after its person has left.
 *
 * @throws GuardError no-person
 */
export function personAtTerminal(
  { clock, processes, terminals }: Deps,
  pid: number,
): { readonly facts: ProcessFacts; readonly terminal: TerminalId } {
  const facts = processes.inspect(pid)
  if (facts === undefined) throw new GuardError('no-person', 'the asking process can’t be seen from here')
  if (facts.ttyDevice === 0) throw new GuardError('no-person', 'this command has no terminal')
  if (facts.pgrp !== facts.foregroundPgrp)
    throw new GuardError('no-person', 'this command runs in the background')
  const terminal = terminals.ofProcess(facts)
  if (terminal === undefined) throw new GuardError('no-person', 'this terminal is not one of this machine’s')
  const now = clock.now()
  const inputMs = terminals.inputTimeMs(terminal, now)
  if (inputMs === undefined || now.wallMs - inputMs > typedWithinMs)
    throw new GuardError('no-person', 'nothing shows that somebody has just typed at this terminal')
  return { facts, terminal }
}
