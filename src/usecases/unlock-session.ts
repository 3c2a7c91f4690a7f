import { randomBytes } from 'node:crypto'
import { allDepartures } from '../domain/departure.ts'
import { GuardError } from '../domain/errors.ts'
import type { FactorSettings } from '../domain/factor.ts'
import { refusesSession } from '../domain/policy-credential.ts'
import { asksForMore } from '../domain/policy-unlock.ts'
import { timeLeft } from '../domain/session.ts'
import type { Limits } from '../domain/session.ts'
import { traceId } from '../domain/trace-id.ts'
import type { ReplyOf, RequestOf } from '../protocol/messages.ts'
import type { OpenReport } from '../protocol/reports.ts'
import { refuseNoTerminal } from './explain-lock.ts'
import { namedSession } from './extend-session.ts'
import { failedBefore, failuresKey, forgiveFailures, recordFailure, refuseEarly } from './failed-unlocks.ts'
import type { FailureDeps } from './failed-unlocks.ts'
import { leaderOf, rememberTerminal } from './guarded-session.ts'
import type { GuardedSession, OpenedAs } from './guarded-session.ts'
import { nextDeadline } from './keep-deadlines.ts'
import type {
  Clock,
  Journal,
  Keeper,
  Keepers,
  Kubeconfigs,
  Log,
  Opened,
  OpenedAnswer,
  ProcessFacts,
  ProcessTable,
  Terminals,
  VaultCatalogue,
} from './ports.ts'
import type { Questions } from './questions.ts'
import { remoteTerminal } from './remote-terminal.ts'
import { vaultOfOthers } from './served-credentials.ts'
import { chosenRole, ephemeralOrder, limitsOfRole, refuseOtherRole, refuseUnserved } from './session-role.ts'
import type { SessionTable } from './session-table.ts'
import type { SuspendedStreams } from './suspended-streams.ts'
import type { SweepSessions } from './sweep-sessions.ts'
import { refuseTooMany } from './terminal-sessions.ts'
import { noteFetched } from './vouch-for-client.ts'
import { watchPresence } from './watch-presence.ts'

interface Deps extends FailureDeps {
  readonly clock: Clock
  readonly journal: Journal
  readonly keepers: Keepers
  readonly kubeconfigs: Kubeconfigs
  readonly log: Log
  readonly processes: ProcessTable
  readonly terminals: Terminals
  readonly vaults: VaultCatalogue
  readonly table: SessionTable
  readonly questions: Questions
  readonly suspended: Pick<SuspendedStreams, 'uncover'>
  readonly sweep: Pick<SweepSessions, 'begin' | 'drop'>
  /** Something about the deadlines has changed. */
  readonly rearm: () => void
}

type Request = RequestOf<'session.unlock'>
type Reply = ReplyOf<'session.unlock'>

/** Prompts that may stand open at once, all policies together; after a failure, one. All could be answered before one is counted. */
const attemptLimit = 4

/** Path 3 of docs/architecture.md, first half: a keeper is made ready, and the client learns where it waits. */
export async function unlockSession(deps: Deps, request: Request, peerPid: number): Promise<Reply> {
  const client = deps.processes.inspect(peerPid)
  if (client === undefined)
    throw new GuardError('ticket-refused', 'the asking process can’t be seen from here')
  const guarded = await namedSession(deps, request, client)
  if (deps.table.wantsTerminal(guarded)) throw refuseNoTerminal(guarded)
  watchPresence(deps, guarded)
  if (guarded.session.state === 'unlocked') return already(deps, guarded, request, client)
  refuseUnserved(deps.table, guarded)
  if (request.recovery !== true) refuseEarly(deps)
  refuseTooMany(deps.table.notLocked(), guarded)
  await limitAttempts(deps, guarded, request.recovery === true)
  deps.table.advance(guarded, { type: 'unlock-begun' })
  const { generation } = guarded.session
  const { unlock, access, deny, impersonate } = deps.table.rules(guarded.policy)
  const wrong = vaultOfOthers(deps.vaults, guarded.policy, unlock)
  if (wrong !== undefined) throw new GuardError('policy-invalid', wrong)
  const openedAs = chosenRole(deps.table, guarded, request.role)
  const order = {
    mode: 'unlock',
    policies: [guarded.policy],
    generation,
    paths: [],
    users: [],
    unlock,
    access,
    deny,
    impersonate,
    recovery: request.recovery,
    forTerminal: guarded.terminal !== undefined,
    ephemeral: openedAs && ephemeralOrder(openedAs, chosenLimits(deps, guarded, request)),
  } as const
  const keeper = await deps.keepers.start(order)
  if (guarded.session.generation !== generation) {
    await keeper.end()
    throw new GuardError('unlock-superseded', `${guarded.policy} was locked meanwhile`)
  }
  // Another attempt may have given up while this keeper started.
  deps.table.advance(guarded, { type: 'unlock-begun' })
  if (request.recovery === true) recovering.add(keeper)
  attend(deps, guarded, keeper, { request, client, unlock, access, openedAs })
  deps.questions.begin(guarded.name, client)
  const ticket = randomBytes(32)
  keeper.expect({ ticket, client, purpose: 'open' })
  return {
    policy: guarded.policy,
    socket: Buffer.from(keeper.socket),
    ticket,
    asks: deps.vaults.has(guarded.policy) && unlock.some(({ factor }) => factor === 'passphrase'),
    failures: deps.journal.failures(failuresKey).count,
    already: false,
  }
}

/** Attempts by the recovery key: nobody who guesses passphrases shall be able to end them. */
const recovering = new WeakSet<Keeper>()

/** The same policy's oldest gives way first. */
async function limitAttempts(deps: Deps, guarded: GuardedSession, recovery: boolean): Promise<void> {
  const limit = !recovery && deps.journal.failures(failuresKey).count > 0 ? 1 : attemptLimit
  const others = deps.table.all().filter((other) => other !== guarded)
  const open = [guarded, ...others].flatMap((one) =>
    [...one.attempts]
      .filter((keeper) => recovering.has(keeper) === recovery)
      .map((keeper) => ({ one, keeper })),
  )
  for (const { one, keeper } of open.slice(0, Math.max(0, open.length - limit + 1))) {
    one.attempts.delete(keeper)
    await keeper.end()
  }
}

function already(deps: Deps, guarded: GuardedSession, request: Request, client: ProcessFacts): Reply {
  refuseOtherRole(guarded, request.role)
  rememberTerminal(guarded, deps.terminals.ofProcess(client))
  deps.table.advance(guarded, { type: 'limits-tightened', limits: chosenLimits(deps, guarded, request) })
  deps.rearm()
  const { session } = guarded
  if (session.state !== 'unlocked')
    throw new GuardError('unlock-superseded', `${guarded.policy} was locked meanwhile`)
  return {
    policy: guarded.policy,
    socket: Buffer.alloc(0),
    ticket: Buffer.alloc(0),
    asks: false,
    failures: 0,
    already: true,
    untilWallMs: session.since.wallMs + session.limits.lifetimeMs,
    idleMs: session.limits.idleMs,
  }
}

/** `--for` shortens the lifetime, never lengthens it. It counts from now, a lifetime from the unlock. */
function chosenLimits(deps: Deps, { policy, session }: GuardedSession, request: Request): Limits {
  const limits = limitsOfRole(deps.table, policy, request.role)
  if (request.forMs === undefined) return limits
  const passedMs =
    session.state === 'unlocked'
      ? session.limits.lifetimeMs - timeLeft(session, deps.clock.now()).lifetimeMs
      : 0
  return { ...limits, lifetimeMs: Math.min(limits.lifetimeMs, passedMs + request.forMs) }
}

interface Attempt {
  readonly request: Request
  /** What the keeper was told to have proven. */
  readonly unlock: readonly FactorSettings[]
  /** How it was told to serve clients. */
  readonly access: 'plugin' | 'gateway'
  /** What it was told to open in clusters. */
  readonly openedAs: OpenedAs | undefined
  readonly client: ProcessFacts
}

function attend(deps: Deps, guarded: GuardedSession, keeper: Keeper, attempt: Attempt): void {
  guarded.attempts.add(keeper)
  keeper.onOpened((opened) => judge(deps, guarded, keeper, { ...attempt, opened }))
  keeper.onFetched((fetched) => noteFetched(deps, guarded, fetched))
  keeper.onExit(() => {
    guarded.attempts.delete(keeper)
    if (guarded.keeper === keeper) deps.table.advance(guarded, { type: 'lock', reason: 'keeper-lost' })
    else giveUp(deps, guarded)
  })
}

/** The last prompt is gone without a success: back to locked. */
function giveUp(deps: Deps, guarded: GuardedSession): void {
  if (guarded.attempts.size > 0) return
  deps.table.advance(guarded, { type: 'unlock-failed', generation: guarded.session.generation })
}

/** Second half: the keeper says what came of it. Only what is accepted here is an unlocked session. */
function judge(
  deps: Deps,
  guarded: GuardedSession,
  keeper: Keeper,
  { opened, request, client, unlock, access, openedAs }: Attempt & { opened: Opened },
): OpenedAnswer {
  if (!guarded.attempts.has(keeper)) return { accepted: false }
  if (opened.failure !== undefined) return fail(deps, guarded, keeper, { failure: opened.failure, client })
  const rules = deps.table.rules(guarded.policy)
  if (asksForMore(rules.unlock, unlock) || refusesSession(rules.ephemeral, openedAs))
    return supersede(deps, guarded, keeper)
  const begun = recordUnlock(deps, guarded, { client, request, openedAs }, opened)
  if (begun === undefined) return { accepted: false, refusal: 'disk-full' }
  // Before it opens: who listens for departures is told by the opening.
  guarded.lockOn = allDepartures([rules.lockOn, guarded.keeper === undefined ? [] : guarded.lockOn])
  guarded.remote = remoteTerminal(deps.processes, client)
  const effects = deps.table.advance(guarded, {
    type: 'unlock-proven',
    generation: opened.generation,
    limits: chosenLimits(deps, guarded, request),
  })
  const { session } = guarded
  if (!effects.some((effect) => effect.type === 'session-opened') || session.state !== 'unlocked')
    return { accepted: false }
  guarded.attempts.delete(keeper)
  // What an open session has is never loosened, by a second prompt neither.
  const stays = guarded.keeper !== undefined && guarded.endsHolders
  guarded.endsHolders = stays || rules.holders === 'end'
  void guarded.keeper?.end()
  guarded.keeper = keeper
  guarded.provenBy = unlock
  guarded.access = access
  guarded.openedAs = openedAs
  guarded.lockFailures = []
  guarded.onLockDue = true
  deps.suspended.uncover(guarded)
  rememberTerminal(guarded, deps.terminals.ofProcess(client))
  deps.rearm()
  deps.questions.answered(guarded.name)
  const lifetimeWallMs = session.since.wallMs + session.limits.lifetimeMs
  return {
    accepted: true,
    deadlineBootMs: nextDeadline(session, deps.clock.now()),
    lifetimeWallMs,
    untilWallMs: lifetimeWallMs,
    idleMs: session.limits.idleMs,
    ...begun,
  }
}

/** The rules became stricter while somebody was asked for less. */
function supersede(deps: Deps, guarded: GuardedSession, keeper: Keeper): OpenedAnswer {
  guarded.attempts.delete(keeper)
  giveUp(deps, guarded)
  return { accepted: false }
}

type Begun = ReturnType<SweepSessions['begin']> & Pick<OpenReport, 'failedBefore'>

/** What can't be written down would not be wiped after a crash. */
function beginTrace(
  { sweep, log }: Deps,
  guarded: GuardedSession,
  id: string,
): ReturnType<SweepSessions['begin']> | undefined {
  try {
    return sweep.begin(guarded, id)
  } catch (error) {
    log.error('a session can’t be opened, for what it has on disk can’t be noted', { error: String(error) })
    return undefined
  }
}

/** An unlock that leaves no trace is refused: neither the counter nor the entry may be lost. */
function recordUnlock(
  deps: Deps,
  guarded: GuardedSession,
  { client, request, openedAs }: Pick<Attempt, 'client' | 'request' | 'openedAs'>,
  { report }: Opened,
): Begun | undefined {
  const details = {
    pid: client.pid,
    ...leaderOf(guarded),
    ...(request.recovery === true ? { by: 'recovery key' } : {}),
    ...(openedAs === undefined ? {} : { role: openedAs.role }),
  }
  const entry = { event: 'unlocked', policy: guarded.policy, details } as const
  // Only a keeper that opened a vault has something to say of merged items; without one nothing was proven.
  const proven = report?.merged !== undefined
  const forgiven = proven ? forgiveFailures(deps) : { kept: true }
  const id = traceId(guarded.policy, randomBytes(8).toString('hex'))
  const begun = forgiven.kept ? beginTrace(deps, guarded, id) : undefined
  if (begun === undefined) return undefined
  if (!deps.journal.recordDurably(entry)) {
    deps.sweep.drop(guarded, id)
    return undefined
  }
  return { ...begun, ...failedBefore(forgiven) }
}

function fail(
  deps: Deps,
  guarded: GuardedSession,
  keeper: Keeper,
  failed: { readonly failure: string; readonly client: ProcessFacts },
): OpenedAnswer {
  guarded.attempts.delete(keeper)
  recordFailure(deps, guarded.policy, failed)
  giveUp(deps, guarded)
  return { accepted: false }
}
