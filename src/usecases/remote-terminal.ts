import { isRemoteServer } from '../domain/programs.ts'
import type { RemoteTerminal } from './guarded-session.ts'
import type { ProcessFacts, ProcessTable } from './ports.ts'

/**
 * The terminal of a client whose connection ends with it: an ssh server is among the client's parents. What runs in tmux
 * or screen is none of it, for their servers belong to no connection. Undefined where there is none.
 */
export function remoteTerminal(
  processes: Pick<ProcessTable, 'ancestry' | 'inspect'>,
  client: ProcessFacts,
): RemoteTerminal | undefined {
  if (client.ttyDevice === 0) return undefined
  const leader = processes.inspect(client.session)
  if (leader === undefined || leader.ttyDevice !== client.ttyDevice) return undefined
  for (const { program } of processes.ancestry(client)) {
    if (!isRemoteServer(program)) continue
    const { pid, startTicks, ttyDevice: device } = leader
    return { leader: { pid, startTicks }, device }
  }
  return undefined
}
