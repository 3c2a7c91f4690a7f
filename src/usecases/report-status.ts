import { fateOf } from '../domain/ending.ts'
import { pluginNamed, sourcesOf } from '../domain/exec-plugins.ts'
import { holdLeftMs } from '../domain/hold.ts'
import type { Hold } from '../domain/hold.ts'
import { heldTimeLeft, timeLeft } from '../domain/session.ts'
import type { LiveStatus, SessionStatus, StatusReport } from '../protocol/reports.ts'
import type { Client, GuardedSession } from './guarded-session.ts'
import type {
  Clock,
  Journal,
  Kubeconfigs,
  PolicySource,
  ProcessTable,
  Revocations,
  Terminals,
  Traces,
  VaultCatalogue,
} from './ports.ts'
import { holdOf } from './held-processes.ts'
import { allClients, clientKey, endsHolders } from './guarded-session.ts'
import { resolveGuard } from './resolve-guard.ts'
import type { ClientPlace } from './resolve-guard.ts'
import { servedCredentials } from './served-credentials.ts'
import type { SessionTable } from './session-table.ts'
import type { Supervisors } from './supervisors.ts'
import type { SuspendedStreams } from './suspended-streams.ts'
import { dropDead } from './track-client.ts'
import { failuresKey } from './failed-unlocks.ts'
import type { WatchMisuse } from './watch-misuse.ts'
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
  readonly traces: Pick<Traces, 'materialised'>
  readonly supervisors: Pick<Supervisors, 'of' | 'maySuspend'>
  readonly suspended: Pick<SuspendedStreams, 'endOverdue'>
  readonly problems: () => readonly string[]
  readonly misuse: Pick<WatchMisuse, 'signs'>
  readonly revocations: Revocations
}

/** Every session's state as it is for the process that asks, the time it has left, and what is wrong. Asking is no sign of a human. */
export async function reportStatus(deps: Deps, place: ClientPlace, peerPid: number): Promise<StatusReport> {
  const asker = deps.processes.inspect(peerPid)
  const current = await resolveGuard(deps, asker, place).catch(() => undefined)
  const sessions = deps.table.seenFrom(asker).map((guarded) => sessionStatus(deps, guarded))
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
    misuse: deps.misuse.signs(),
    revocations: deps.revocations.pending(deps.clock.now().wallMs),
  }
}

function sessionStatus(deps: Deps, guarded: GuardedSession): SessionStatus {
  watchPresence(deps, guarded)
  dropDead(deps.processes, guarded.clients)
  deps.suspended.endOverdue(guarded)
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
    live: allClients(guarded)
      .filter(({ within }) => within === undefined || !deps.processes.isAlive(within))
      .map((client) => liveStatus(deps, guarded, client)),
    holds: holdsOf(deps, guarded),
    failedUnlocks: deps.journal.failures(failuresKey).count,
    hasVault: deps.vaults.has(policy),
    credentials: servedCredentials(deps, policy).length,
    borrowed: deps.vaults.wrapped(policy).map(({ user, plugin }) => ({
      user,
      plugin,
      sources: sourcesOf(pluginNamed(plugin)),
    })),
    ...rolesOf(deps, guarded),
    pending: session.state === 'locked' ? deps.vaults.pending(policy) : [],
    materialised: guarded.traces.size === 0 ? [] : deps.traces.materialised([...guarded.traces]),
  }
}

function rolesOf(
  { table }: Deps,
  { policy, session, openedAs }: GuardedSession,
): Pick<SessionStatus, 'role' | 'roles'> {
  const { ephemeral } = table.rules(policy)
  const isOpen = session.state === 'unlocked' || session.state === 'held'
  return {
    ...(ephemeral !== undefined && { roles: ephemeral.roles.map(({ role }) => role) }),
    ...(isOpen && openedAs !== undefined && { role: openedAs.role }),
  }
}

function timesOf(deps: Deps, { session }: GuardedSession): Partial<SessionStatus> {
  if (session.state === 'unlocked') {
    const left = timeLeft(session, deps.clock.now())
    return { unlockedAtMs: session.since.wallMs, idleLeftMs: left.idleMs, lifetimeLeftMs: left.lifetimeMs }
  }
  const held =
    session.state === 'held'
      ? { unlockedAtMs: session.since.wallMs, heldLeftMs: heldTimeLeft(session, deps.clock.now()).lastMs }
      : {}
  if (session.lock === undefined) return {}
  return { ...held, lockReason: session.lock.reason, lockedAtMs: session.lock.at.wallMs }
}

function liveStatus(deps: Deps, guarded: GuardedSession, client: Client): LiveStatus {
  const hold = holdOf(deps, guarded, client)
  const untilMs = hold === undefined ? undefined : holdUntilMs(deps, guarded, hold)
  const idleMs = idleOf(deps, client)
  const through = deps.supervisors.of(client.id)
  return {
    pid: client.id.pid,
    kind: client.kind,
    program: client.program,
    command: client.command,
    context: client.context,
    sinceMs: client.since.wallMs,
    hasTerminal: client.hasTerminal,
    fate: hold === undefined ? fateNow(deps, guarded, client) : 'held',
    ...suspensionOf(guarded, client),
    ...(untilMs === undefined ? {} : { heldUntilMs: untilMs }),
    ...(through === undefined ? {} : { keysBytes: through.keys, outputBytes: through.output }),
    ...(client.namespace === undefined ? {} : { namespace: client.namespace }),
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(client.credentialEndsMs === undefined ? {} : { credentialEndsMs: client.credentialEndsMs }),
  }
}

function fateNow(deps: Deps, guarded: GuardedSession, client: Client): LiveStatus['fate'] {
  const isSuspended = guarded.suspended?.clients.has(clientKey(client.id)) === true
  const mayBe = deps.table.rules(guarded.policy).live === 'suspend' && deps.supervisors.maySuspend(client.id)
  return isSuspended || mayBe ? 'suspended' : fateOf(client, endsHolders(deps.table, guarded))
}

function suspensionOf({ suspended }: GuardedSession, { id }: Client): Pick<LiveStatus, 'suspendedUntilMs'> {
  if (suspended?.clients.has(clientKey(id)) !== true) return {}
  return { suspendedUntilMs: suspended.since.wallMs + suspended.forMs }
}

/** Since somebody typed at the client's terminal. */
function idleOf(
  { clock, processes, supervisors, terminals }: Deps,
  { id, hasTerminal, since }: Client,
): number | undefined {
  const supervisor = supervisors.of(id)
  if (supervisor !== undefined) return Math.max(0, clock.now().wallMs - (supervisor.typedMs ?? since.wallMs))
  const facts = hasTerminal ? processes.inspect(id.pid) : undefined
  const terminal = facts === undefined ? undefined : terminals.ofProcess(facts)
  if (terminal === undefined) return undefined
  const now = clock.now()
  const inputMs = terminals.inputTimeMs(terminal, now)
  return inputMs === undefined ? undefined : Math.max(0, now.wallMs - inputMs)
}

function holdsOf(deps: Deps, guarded: GuardedSession): SessionStatus['holds'] {
  const { session } = guarded
  if (session.state !== 'held' && session.state !== 'unlocked') return []
  return session.holds.flatMap((hold) => {
    const facts = deps.processes.inspect(hold.process.pid)
    if (facts === undefined || !deps.processes.isAlive(hold.process)) return []
    const untilWallMs = holdUntilMs(deps, guarded, hold)
    const status = { pid: facts.pid, kind: hold.kind, program: facts.program }
    return [untilWallMs === undefined ? status : { ...status, untilWallMs }]
  })
}

/** Undefined while its time has not begun; never past the lifetime. */
function holdUntilMs({ clock }: Deps, { session }: GuardedSession, hold: Hold): number | undefined {
  if (hold.since === undefined || (session.state !== 'held' && session.state !== 'unlocked')) return undefined
  const now = clock.now()
  return Math.min(now.wallMs + holdLeftMs(hold, now), session.since.wallMs + session.limits.lifetimeMs)
}
