import { GuardError } from '../domain/errors.ts'
import { timeLeft } from '../domain/session.ts'
import type { RequestOf } from '../protocol/messages.ts'
import type { ExtendReport } from '../protocol/reports.ts'
import { placeOf } from './check-command.ts'
import { refuseLocked } from './explain-lock.ts'
import { rememberTerminal } from './guarded-session.ts'
import type { GuardedSession } from './guarded-session.ts'
import { personAtTerminal } from './person-at-terminal.ts'
import type { Clock, Journal, Kubeconfigs, ProcessFacts, ProcessTable, Terminals } from './ports.ts'
import { resolveGuard } from './resolve-guard.ts'
import type { SessionTable } from './session-table.ts'
import { watchPresence } from './watch-presence.ts'

interface Deps {
  readonly clock: Clock
  readonly journal: Journal
  readonly kubeconfigs: Kubeconfigs
  readonly processes: ProcessTable
  readonly terminals: Terminals
  readonly table: SessionTable
  readonly rearm: () => void
}

/**
 * "I am here": the person's terminal counts from now on, and what was typed there last counts at once. The
 * call itself counts for nothing, so that a program that repeats it gains nothing.
 *
 * @throws GuardError no-person, locked, policy-unknown
 */
export async function extendSession(
  deps: Deps,
  request: RequestOf<'session.extend'>,
  peerPid: number,
): Promise<ExtendReport[]> {
  const { facts, terminal } = personAtTerminal(deps, peerPid)
  const chosen = request.all ? deps.table.seenFrom(facts) : [await namedSession(deps, request, facts)]
  const reports: ExtendReport[] = []
  for (const guarded of chosen) {
    watchPresence(deps, guarded)
    if (guarded.session.state !== 'unlocked' && !request.all) throw refuseLocked(guarded)
    if (guarded.session.state !== 'unlocked') continue
    rememberTerminal(guarded, terminal)
    watchPresence(deps, guarded)
    deps.journal.record({ event: 'extended', policy: guarded.policy, details: { pid: facts.pid } })
    const { idleMs, lifetimeMs } = timeLeft(guarded.session, deps.clock.now())
    reports.push({ policy: guarded.policy, idleLeftMs: idleMs, lifetimeLeftMs: lifetimeMs })
  }
  if (reports.length === 0) throw new GuardError('locked', 'no session is unlocked')
  deps.rearm()
  return reports
}

/** The session that a request names, else that of the current context. @throws GuardError policy-unknown */
export async function namedSession(
  deps: { readonly kubeconfigs: Kubeconfigs; readonly table: SessionTable },
  request: Parameters<typeof placeOf>[0] & { readonly policy?: string | undefined },
  asker: ProcessFacts,
): Promise<GuardedSession> {
  if (request.policy !== undefined) return deps.table.get(request.policy, asker)
  return (await resolveGuard(deps, asker, placeOf(request))).guarded
}
