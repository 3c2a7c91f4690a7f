import { mayEnd } from '../domain/ending.ts'
import { GuardError } from '../domain/errors.ts'
import { isSameProcess } from '../domain/hold.ts'
import { timeLeft } from '../domain/session.ts'
import type { ReplyOf, RequestOf } from '../protocol/messages.ts'
import { refuseLocked } from './explain-lock.ts'
import { namedSession } from './extend-session.ts'
import { rememberTerminal } from './guarded-session.ts'
import type { GuardedSession } from './guarded-session.ts'
import { personAtTerminal } from './person-at-terminal.ts'
import type { Clock, Journal, Kubeconfigs, ProcessFacts, ProcessTable, Terminals } from './ports.ts'
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

type Request = RequestOf<'session.hold'>

/**
 * A person's word that a job may run unattended: an idle lock leaves it, and what it starts, for that time.
 * Not given for what a person types into, which would be a session without an idle limit.
 *
 * @throws GuardError no-person, hold-refused, locked, client-unknown, policy-unknown
 */
export async function holdSession(
  deps: Deps,
  request: Request,
  peerPid: number,
): Promise<ReplyOf<'session.hold'>> {
  const { facts, terminal } = personAtTerminal(deps, peerPid)
  const job = request.pid === undefined ? starterOf(deps, facts) : clientNamed(deps, facts, request.pid)
  const guarded =
    request.pid === undefined
      ? await namedSession(deps, request, facts)
      : sessionOf(deps, request, { asker: facts, job })
  watchPresence(deps, guarded)
  if (deps.table.rules(guarded.policy).hold === 'never')
    throw new GuardError('hold-refused', `the policy ${guarded.policy} allows no hold`)
  if (guarded.session.state !== 'unlocked') throw refuseLocked(guarded)
  rememberTerminal(guarded, terminal)
  watchPresence(deps, guarded)
  return give(deps, guarded, job, request.forMs)
}

function give(
  deps: Deps,
  guarded: GuardedSession,
  job: ProcessFacts,
  forMs: number,
): ReplyOf<'session.hold'> {
  const process = { pid: job.pid, startTicks: job.startTicks }
  const since = deps.clock.now()
  deps.table.advance(guarded, { type: 'hold-given', hold: { process, kind: 'hold', forMs, since } })
  const { session } = guarded
  const given =
    session.state === 'unlocked'
      ? session.holds.find((hold) => hold.kind === 'hold' && isSameProcess(hold.process, process))
      : undefined
  if (given === undefined) throw new GuardError('hold-refused', 'too many jobs are held already')
  const lifetimeMs = session.state === 'unlocked' ? timeLeft(session, since).lifetimeMs : 0
  const untilWallMs = Math.floor(since.wallMs + Math.min(given.forMs, lifetimeMs))
  deps.journal.record({
    event: 'hold-given',
    policy: guarded.policy,
    details: { pid: job.pid, program: job.program, forMs: given.forMs },
  })
  deps.rearm()
  return { policy: guarded.policy, untilWallMs }
}

/** The launcher of this command, which becomes the job. */
function starterOf({ processes }: Deps, { ppid, pgrp }: ProcessFacts): ProcessFacts {
  const starter = processes.inspect(ppid)
  if (starter === undefined || starter.pgrp !== pgrp)
    throw new GuardError('hold-refused', 'what starts the job can’t be seen from here')
  return refusePersons(starter)
}

function clientNamed({ processes, table }: Deps, asker: ProcessFacts, pid: number): ProcessFacts {
  const facts = processes.inspect(pid)
  const known = table
    .seenFrom(asker)
    .some(({ clients }) => [...clients.values()].some(({ id }) => id.pid === pid))
  if (facts === undefined || !known)
    throw new GuardError('client-unknown', `${pid} is no live process and no holder`)
  return refusePersons(facts)
}

function refusePersons(job: ProcessFacts): ProcessFacts {
  if (mayEnd(job)) return job
  throw new GuardError('hold-refused', `${job.program} is where a person works, and not a job`)
}

/** Which of the sessions that know this client: the one named, else the one that is open. */
function sessionOf(
  { table }: Deps,
  { policy }: Request,
  { asker, job }: { readonly asker: ProcessFacts; readonly job: ProcessFacts },
): GuardedSession {
  const knowing = table
    .seenFrom(asker)
    .filter(({ clients }) => [...clients.values()].some(({ id }) => isSameProcess(id, job)))
  const named = policy === undefined ? knowing : knowing.filter((guarded) => guarded.policy === policy)
  const found = named.find(({ session }) => session.state === 'unlocked') ?? named[0]
  if (found === undefined)
    throw new GuardError('client-unknown', `${job.pid} belongs to no session of ${policy ?? 'yours'}`)
  return found
}
