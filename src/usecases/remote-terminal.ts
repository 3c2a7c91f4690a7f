import { isRemoteServer } from '../domain/programs.ts'
import type { LedTerminal } from './guarded-session.ts'
import { ledTerminal } from './led-terminal.ts'
import type { ProcessFacts, ProcessTable } from './ports.ts'

/**
 * The terminal of a client whose connection ends with it: an ssh server is among the client's parents. What runs in tmux
 * or screen is none of it, for their servers belong to no connection. Undefined where there is none.
 */
export function remoteTerminal(
  processes: Pick<ProcessTable, 'ancestry' | 'inspect'>,
  client: ProcessFacts,
): LedTerminal | undefined {
  const terminal = ledTerminal(processes, client)
  if (terminal === undefined) return undefined
  for (const { program } of processes.ancestry(client)) {
    if (isRemoteServer(program)) return terminal
  }
  return undefined
}
