import { timeLeft } from '../domain/session.ts'
import type { SessionStatus, StatusReport } from '../protocol/reports.ts'
import type { Client, GuardedSession } from './guarded-session.ts'
import type {
  Clock,
  Journal,
  Kubeconfigs,
  PolicySource,
  ProcessTable,
  Terminals,
  VaultCatalogue,
} from './ports.ts'
import { resolveGuard } from './resolve-guard.ts'
import type { ClientPlace } from './resolve-guard.ts'
import type { SessionTable } from './session-table.ts'
import { dropDead } from './track-client.ts'
import { failuresKey } from './unlock-session.ts'
import { watchPresence } from './watch-presence.ts'

interface Deps {
  readonly clock: Clock
  readonly journal: Journal
  readonly kubeconfigs: Kubeconfigs
  readonly policies: PolicySource
  readonly processes: ProcessTable
  readonly terminals: Terminals
  readonly vaults: VaultCatalogue
  readonly table: SessionTable
  readonly problems: () => readonly string[]
}

/** Every session's state, the time it has left, and what is wrong. Asking is no sign of a human. */
export async function reportStatus(deps: Deps, place: ClientPlace): Promise<StatusReport> {
  const current = await resolveGuard(deps, place).catch(() => undefined)
  const sessions = deps.table.all().map((guarded) => sessionStatus(deps, guarded))
  const lockFailures = deps.table
    .all()
    .flatMap(({ policy, lockFailures: failures }) =>
      failures.map((failure) => `the last lock of ${policy} was not complete: ${failure}`),
    )
  const policyProblems = deps.policies
    .problems()
    .map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`)
  return {
    schema: 1,
    ...(current !== undefined && current.context !== '' ? { currentContext: current.context } : {}),
    ...(current !== undefined ? { currentPolicy: current.guarded.policy } : {}),
    sessions,
    problems: [...policyProblems, ...lockFailures, ...deps.problems()],
  }
}

function sessionStatus(deps: Deps, guarded: GuardedSession): SessionStatus {
  watchPresence(deps, guarded)
  dropDead(deps.processes, guarded.clients)
  const { policy, session } = guarded
  const limits = session.state === 'unlocked' ? session.limits : deps.table.limits(policy)
  const contexts = deps.policies.current().find(({ name }) => name === policy)?.contexts ?? []
  return {
    policy,
    state: session.state,
    contexts,
    ...timesOf(deps, guarded),
    idleMs: limits.idleMs,
    lifetimeMs: limits.lifetimeMs,
    live: [...guarded.clients.values()].map(liveStatus),
    failedUnlocks: deps.journal.failures(failuresKey).count,
    hasVault: deps.vaults.has(policy),
    credentials: deps.vaults.credentials(policy).length,
  }
}

function timesOf(deps: Deps, { session }: GuardedSession): Partial<SessionStatus> {
  if (session.state === 'unlocked') {
    const left = timeLeft(session, deps.clock.now())
    return { unlockedAtMs: session.since.wallMs, idleLeftMs: left.idleMs, lifetimeLeftMs: left.lifetimeMs }
  }
  if (session.lock === undefined) return {}
  return { lockReason: session.lock.reason, lockedAtMs: session.lock.at.wallMs }
}

function liveStatus(client: Client): SessionStatus['live'][number] {
  return {
    pid: client.id.pid,
    kind: client.kind,
    program: client.program,
    context: client.context,
    sinceMs: client.since.wallMs,
    hasTerminal: client.hasTerminal,
    ...(client.credentialEndsMs === undefined ? {} : { credentialEndsMs: client.credentialEndsMs }),
  }
}
