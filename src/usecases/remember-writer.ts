import type { Ancestor } from '../domain/holder.ts'
import { isWriter } from '../domain/writer.ts'
import type { GuardedSession } from './guarded-session.ts'
import type { ProcessTable } from './ports.ts'
import type { SessionTable } from './session-table.ts'

interface Deps {
  readonly processes: Pick<ProcessTable, 'args'>
  readonly table: SessionTable
}

type Program = Pick<Ancestor, 'pid' | 'startTicks' | 'program'>

/**
 * Notes a client that writes: where the policy says so, an idle lock lets it finish.
 *
 * @param starter its parent, where that may be the one whose arguments tell: terraform's providers write for it
 */
export function rememberWriter(
  { processes, table }: Deps,
  guarded: GuardedSession,
  client: Program,
  starter?: () => Program | undefined,
): void {
  const { finishMs } = table.rules(guarded.policy)
  if (finishMs === 0) return
  const candidates = [client, starter?.()].filter((one) => one !== undefined)
  if (!candidates.some(({ pid, program }) => isWriter(program, processes.args(pid)))) return
  const process = { pid: client.pid, startTicks: client.startTicks }
  const hold = { process, kind: 'finish', forMs: finishMs, since: undefined } as const
  table.advance(guarded, { type: 'hold-given', hold })
}
