import { randomBytes } from 'node:crypto'
import { credentialLeaseMs } from '../domain/credential-lease.ts'
import { errorCatalogue } from '../domain/errors.ts'
import { describeProgram } from '../domain/writer.ts'
import { findHolder } from '../domain/holder.ts'
import type { Ancestor, HolderVerdict } from '../domain/holder.ts'
import type { ReplyOf, RequestOf } from '../protocol/messages.ts'
import { deny, explainLock, refusal } from './explain-lock.ts'
import type { Refusal } from './explain-lock.ts'
import { clientKey, rememberTerminal } from './guarded-session.ts'
import type { GuardedSession } from './guarded-session.ts'
import { isHeldFor } from './held-processes.ts'
import { givesPass } from './gives-pass.ts'
import { mayAskByPinentry, mayAskHere } from './may-ask.ts'
import { meetLock } from './meet-lock.ts'
import type {
  Clock,
  Journal,
  ProcessFacts,
  ProcessId,
  ProcessTable,
  Reaper,
  Terminals,
  VaultCatalogue,
} from './ports.ts'
import type { Questions } from './questions.ts'
import { servedCredentials } from './served-credentials.ts'
import type { SessionTable } from './session-table.ts'
import { rememberWriter } from './remember-writer.ts'
import type { Supervisors } from './supervisors.ts'
import { trackClient } from './track-client.ts'
import { watchPresence } from './watch-presence.ts'

interface Deps {
  readonly clock: Clock
  readonly journal: Journal
  readonly processes: ProcessTable
  readonly reaper: Reaper
  readonly terminals: Terminals
  readonly vaults: VaultCatalogue
  readonly table: SessionTable
  readonly challenged: ChallengedClients
  readonly questions: Questions
  readonly supervisors: Pick<Supervisors, 'around' | 'isCovered'>
}

type Request = RequestOf<'credential.issue'>
type Reply = ReplyOf<'credential.issue'>

/** Between TERM and KILL of a holder. */
export const holderGraceMs = 2_000

/**
 * A client runs the plugin up to six times for one command (client-go retries discovery): after one
 * challenge the same client process is refused at once, so that a cancelled prompt stays cancelled.
 */
export class ChallengedClients {
  readonly #keys = new Set<string>()

  /** @returns true the first time a client is seen. */
  firstTime(client: ProcessId): boolean {
    const key = clientKey(client)
    if (this.#keys.has(key)) return false
    this.#keys.add(key)
    const oldest = this.#keys.values().next().value
    if (this.#keys.size > 1024 && oldest !== undefined) this.#keys.delete(oldest)
    return true
  }
}

/** Path 4 of docs/architecture.md: may this client have the credential, and where is it? */
export async function issueCredential(deps: Deps, request: Request, peerPid: number): Promise<Reply> {
  const plugin = deps.processes.inspect(peerPid)
  const found: HolderVerdict =
    plugin === undefined
      ? { refused: peerPid === 0 ? 'other-pid-namespace' : 'gone' }
      : findHolder(deps.processes.ancestry(plugin))
  if (plugin === undefined || 'refused' in found) return refuseHolder(deps, request, found)
  if (!servedCredentials(deps, request.policy).includes(request.credential))
    return deny(unknownCredential(request))
  const guarded = sessionFor(deps, request.policy, { plugin, holder: found.holder })
  if (request.waits) await deps.questions.change(guarded.name, plugin)
  watchPresence(deps, guarded)
  if (isServedNow(deps, guarded, plugin, found.holder)) {
    return allow(deps, guarded, request, { plugin, holder: found.holder })
  }
  return { ...meet(deps, guarded, request, { plugin, holder: found.holder }), policy: guarded.policy }
}

/** What is one terminal's alone goes to a client there, by a plugin there: neither lends the other its terminal. */
function sessionFor(
  { processes, table }: Pick<Deps, 'processes' | 'table'>,
  policy: string,
  { plugin, holder }: Asking,
): GuardedSession {
  const guarded = table.get(policy, plugin)
  if (guarded.terminal === undefined) return guarded
  return table.get(policy, processes.inspect(holder.pid)) === guarded ? guarded : table.get(policy)
}

function meet(deps: Deps, guarded: GuardedSession, request: Request, { plugin, holder }: Asking): Reply {
  const supervisor = deps.supervisors.around(plugin)
  // Behind a lock screen nobody is asked: what is there goes on with what it has.
  if (supervisor !== undefined && deps.supervisors.isCovered(supervisor)) {
    record(deps, request, holder, 'refused')
    return deny(explainLock(guarded))
  }
  const isCompletion = deps.processes.isCompletion(holder.pid)
  const answer = meetLock(deps, guarded, request, {
    facts: plugin,
    client: holder,
    mayWait: !isCompletion,
    mayAsk: (sinceBootMs) =>
      !isCompletion &&
      (mayAskHere(request, plugin, holder, sinceBootMs) ||
        mayAskByPinentry(request, deps.table.rules(guarded.policy).pinentry, plugin, {
          client: holder,
          sinceBootMs,
        })) &&
      deps.challenged.firstTime(holder),
  })
  if (answer.verdict === 'deny') record(deps, request, holder, 'refused')
  return answer
}

interface Asking {
  readonly plugin: ProcessFacts
  readonly holder: Ancestor
}

function isServedNow(deps: Deps, guarded: GuardedSession, plugin: ProcessFacts, holder: Ancestor): boolean {
  if (guarded.keeper === undefined) return false
  return guarded.session.state === 'unlocked' || isHeldFor(deps, guarded, plugin.pid, holder)
}

/** The holder is recorded before the credential leaves, and the keeper knows the ticket before the client does. */
function allow(deps: Deps, guarded: GuardedSession, request: Request, { plugin, holder }: Asking): Reply {
  const keeper = guarded.keeper
  if (keeper === undefined) return deny(explainLock(guarded))
  if (guarded.session.state === 'unlocked') rememberTerminal(guarded, deps.terminals.ofProcess(plugin))
  rememberWriter(deps, guarded, holder, () => starterOf(deps, holder))
  const within = deps.supervisors.around(plugin)
  trackClient(
    deps,
    { guarded },
    {
      ...(within === undefined ? {} : { within }),
      id: { pid: holder.pid, startTicks: holder.startTicks },
      // The shim may have let it through as one that streams, under whatever policy it took it for: which
      // credential is really used is known only now.
      kind: deps.table.knowsAsLive(holder) ? 'live' : 'holder',
      program: holder.program,
      command: describeProgram(holder.program, deps.processes.args(holder.pid)),
      context: contextOf(deps, request),
      graceMs: holderGraceMs,
      hasTerminal: holder.hasTerminal,
      holdsPass: givesPass(deps, guarded, request.credential),
      credentialEndsMs: deps.clock.now().wallMs + credentialLeaseMs,
    },
  )
  const ticket = randomBytes(32)
  const client = { pid: plugin.pid, startTicks: plugin.startTicks }
  keeper.expect({ ticket, client, purpose: 'issue', credential: request.credential })
  recordIssued(deps, request, holder)
  return { verdict: 'allow', policy: guarded.policy, socket: Buffer.from(keeper.socket), ticket }
}

/** The client's parent: terraform starts what writes for it. */
export function starterOf({ processes }: Pick<Deps, 'processes'>, { pid }: ProcessId): Ancestor | undefined {
  const [, starter] = processes.ancestry(pid)
  return starter
}

/** A plugin is not told for which context it runs: those that the credential was adopted for. */
function contextOf({ vaults }: Pick<Deps, 'vaults'>, { policy, credential }: Wanted): string {
  return vaults.contexts(policy, credential).join(', ')
}

/** To which program a credential went, for the journal. */
export function recordIssued(
  deps: Recorder,
  wanted: Wanted,
  holder: Pick<Ancestor, 'pid' | 'program'>,
): void {
  record(deps, wanted, holder, 'credential-issued')
}

type Recorder = Pick<Deps, 'journal' | 'vaults'>
type Wanted = Pick<Request, 'policy' | 'credential'>

function record(
  deps: Recorder,
  request: Wanted,
  holder: Pick<Ancestor, 'pid' | 'program'>,
  event: 'credential-issued' | 'refused',
): void {
  const { credential } = request
  const details = { program: holder.program, pid: holder.pid, credential, context: contextOf(deps, request) }
  deps.journal.record({ event, policy: request.policy, details })
}

const refusals = {
  'other-pid-namespace': [
    'the client runs in another container or pid namespace',
    'run it outside, where the daemon can see it',
  ],
  'orphaned': ['the client that asks has lost its parent', errorCatalogue['holder-refused'].cure],
  'gone': ['the client that asks is gone', 'run the command again'],
  'no-client': [
    'the credential plugin was called by hand, not by a client',
    'run kubectl, or another client, instead',
  ],
} as const

function refuseHolder(deps: Deps, request: Request, verdict: HolderVerdict): Reply {
  const why = 'refused' in verdict ? verdict.refused : 'gone'
  deps.journal.record({
    event: 'refused',
    policy: request.policy,
    details: { why, credential: request.credential },
  })
  const [message, cure] = refusals[why]
  return deny(refusal(message, cure, errorCatalogue['holder-refused'].exitCode))
}

function unknownCredential(request: Request): Refusal {
  const { cure, exitCode } = errorCatalogue['credential-unknown']
  return refusal(`no vault of policy ${request.policy} holds ${request.credential}`, cure, exitCode)
}
