import { randomBytes } from 'node:crypto'
import { allDepartures } from '../domain/departure.ts'
import { GuardError } from '../domain/errors.ts'
import { timeLeft } from '../domain/session.ts'
import type { Limits } from '../domain/session.ts'
import { traceId } from '../domain/trace-id.ts'
import { unlockDelayMs } from '../domain/unlock-delay.ts'
import type { ReplyOf, RequestOf } from '../protocol/messages.ts'
import { namedSession } from './extend-session.ts'
import { rememberTerminal } from './guarded-session.ts'
import type { GuardedSession } from './guarded-session.ts'
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
import type { SessionTable } from './session-table.ts'
import type { SweepSessions } from './sweep-sessions.ts'
import { noteFetched } from './vouch-for-client.ts'
import { watchPresence } from './watch-presence.ts'

interface Deps {
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
  readonly sweep: Pick<SweepSessions, 'begin'>
  /** Something about the deadlines has changed. */
  readonly rearm: () => void
}

type Request = RequestOf<'session.unlock'>
type Reply = ReplyOf<'session.unlock'>

/** One passphrase opens all vaults, so that wrong ones are counted per account, whatever policy was tried. */
export const failuresKey = '*'

/** Prompts that may stand open at once for one policy; after a failure, one. */
const attemptLimit = 4

/** Path 3 of docs/architecture.md, first half: a keeper is made ready, and the client learns where it waits. */
export async function unlockSession(deps: Deps, request: Request, peerPid: number): Promise<Reply> {
  const client = deps.processes.inspect(peerPid)
  if (client === undefined)
    throw new GuardError('ticket-refused', 'the asking process can’t be seen from here')
  const guarded = await namedSession(deps, request)
  watchPresence(deps, guarded)
  if (guarded.session.state === 'unlocked') return already(deps, guarded, request, client)
  refuseEarly(deps)
  await limitAttempts(deps, guarded)
  deps.table.advance(guarded, { type: 'unlock-begun' })
  const { generation } = guarded.session
  const order = { mode: 'unlock', policies: [guarded.policy], generation, paths: [], users: [] } as const
  const keeper = await deps.keepers.start(order)
  if (guarded.session.generation !== generation) {
    await keeper.end()
    throw new GuardError('unlock-superseded', `${guarded.policy} was locked meanwhile`)
  }
  // Another attempt may have given up while this keeper started.
  deps.table.advance(guarded, { type: 'unlock-begun' })
  attend(deps, guarded, keeper, { request, client })
  deps.questions.begin(guarded.policy, client)
  const ticket = randomBytes(32)
  keeper.expect({ ticket, client, purpose: 'open' })
  return {
    policy: guarded.policy,
    socket: Buffer.from(keeper.socket),
    ticket,
    asks: deps.vaults.has(guarded.policy),
    failures: deps.journal.failures(failuresKey).count,
    already: false,
  }
}

/** @throws GuardError unlock-delayed while the delay after wrong passphrases lasts. */
export function refuseEarly(deps: Pick<Deps, 'clock' | 'journal'>): void {
  const { count, lastWallMs } = deps.journal.failures(failuresKey)
  const nowMs = deps.clock.now().wallMs
  const passedMs = nowMs - lastWallMs
  // A wall clock that was set back must not lengthen the delay past its full length: it begins anew, once.
  if (passedMs < 0) deps.journal.setFailures(failuresKey, { count, lastWallMs: nowMs })
  const leftMs = unlockDelayMs(count) - Math.max(0, passedMs)
  if (leftMs <= 0) return
  const seconds = Math.ceil(leftMs / 1000)
  throw new GuardError(
    'unlock-delayed',
    `${count} wrong passphrases in a row: the next try is possible in ${seconds} s`,
  )
}

async function limitAttempts(deps: Deps, guarded: GuardedSession): Promise<void> {
  const limit = deps.journal.failures(failuresKey).count > 0 ? 1 : attemptLimit
  while (guarded.attempts.size >= limit) {
    const [oldest] = guarded.attempts
    if (oldest === undefined) return
    guarded.attempts.delete(oldest)
    await oldest.end()
  }
}

function already(deps: Deps, guarded: GuardedSession, request: Request, client: ProcessFacts): Reply {
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
  const limits = deps.table.limits(policy)
  if (request.forMs === undefined) return limits
  const passedMs =
    session.state === 'unlocked'
      ? session.limits.lifetimeMs - timeLeft(session, deps.clock.now()).lifetimeMs
      : 0
  return { ...limits, lifetimeMs: Math.min(limits.lifetimeMs, passedMs + request.forMs) }
}

interface Attempt {
  readonly request: Request
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
  { opened, request, client }: Attempt & { opened: Opened },
): OpenedAnswer {
  if (!guarded.attempts.has(keeper)) return { accepted: false }
  if (opened.failure !== undefined) return fail(deps, guarded, keeper, opened.failure)
  const begun = recordUnlock(deps, guarded, client, opened)
  if (begun === undefined) return { accepted: false, refusal: 'disk-full' }
  const rules = deps.table.rules(guarded.policy)
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
  guarded.lockFailures = []
  guarded.onLockDue = true
  rememberTerminal(guarded, deps.terminals.ofProcess(client))
  deps.rearm()
  deps.questions.answered(guarded.policy)
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

type Begun = ReturnType<SweepSessions['begin']>

/** What can't be written down would not be wiped after a crash. */
function beginTrace({ sweep, log }: Deps, guarded: GuardedSession): Begun | undefined {
  try {
    return sweep.begin(guarded, traceId(guarded.policy, randomBytes(8).toString('hex')))
  } catch (error) {
    log.error('a session can’t be opened, for what it has on disk can’t be noted', { error: String(error) })
    return undefined
  }
}

/** An unlock that leaves no trace is refused: neither the counter nor the entry may be lost. */
function recordUnlock(
  deps: Deps,
  guarded: GuardedSession,
  client: ProcessFacts,
  { report }: Opened,
): Begun | undefined {
  const entry = { event: 'unlocked', policy: guarded.policy, details: { pid: client.pid } } as const
  // Only a keeper that opened a vault has something to say of merged items; without one nothing was proven.
  const proven = report?.merged !== undefined
  const counted = !proven || deps.journal.setFailures(failuresKey, { count: 0, lastWallMs: 0 })
  const begun = counted ? beginTrace(deps, guarded) : undefined
  return begun !== undefined && deps.journal.recordDurably(entry) ? begun : undefined
}

function fail(deps: Deps, guarded: GuardedSession, keeper: Keeper, failure: string): OpenedAnswer {
  guarded.attempts.delete(keeper)
  recordFailure(deps, guarded.policy, failure)
  giveUp(deps, guarded)
  return { accepted: false }
}

/** Counts wrong passphrases; other failures are only written down. */
export function recordFailure(
  deps: Pick<Deps, 'clock' | 'journal' | 'log'>,
  policy: string,
  failure: string,
): void {
  deps.journal.recordDurably({ event: 'unlock-failed', policy, details: { failure } })
  if (failure !== 'wrong-passphrase') return
  const { count } = deps.journal.failures(failuresKey)
  const kept = deps.journal.setFailures(failuresKey, {
    count: count + 1,
    lastWallMs: deps.clock.now().wallMs,
  })
  if (!kept) deps.log.error('a failed unlock could not be counted', { policy })
}
