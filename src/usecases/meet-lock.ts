import { wordsOf } from '../domain/policy-unlock.ts'
import type { Terminals } from './ports.ts'
import { deny, explainLock, refusal, refuseNoTerminal } from './explain-lock.ts'
import type { Refusal } from './explain-lock.ts'
import type { GuardedSession } from './guarded-session.ts'
import type { Asker, Meeting } from './question.ts'
import type { Questions } from './questions.ts'
import type { SessionTable } from './session-table.ts'

/** What shim and plugin say of themselves. */
interface Request {
  readonly ttys: number
  readonly asked: boolean
  readonly mayWait: boolean
}

type Answer =
  | { readonly verdict: 'challenge' }
  | { readonly verdict: 'wait'; readonly message?: string }
  | (Refusal & { readonly verdict: 'deny' })

const errorOutput = 4

interface Deps {
  readonly questions: Questions
  readonly table: Pick<SessionTable, 'rules' | 'wantsTerminal'>
  readonly terminals: Terminals
}

/** A client meets a lock: one of them asks, the others wait for that, and who can do neither is refused. */
export function meetLock(deps: Deps, guarded: GuardedSession, request: Request, asker: Asker): Answer {
  if (deps.table.wantsTerminal(guarded)) {
    const { message, cure, exitCode } = refuseNoTerminal(guarded)
    return deny(refusal(message, cure, exitCode))
  }
  const meeting = deps.questions.meet(guarded.name, {
    ...asker,
    mayWait: asker.mayWait && request.mayWait && !request.asked,
  })
  switch (meeting.verdict) {
    case 'ask':
      return { verdict: 'challenge' }
    case 'wait':
      return { verdict: 'wait', ...whereItIsAsked(deps, guarded, request, asker) }
    case 'refuse':
      return deny(explain(deps, guarded, meeting))
  }
}

/** For the first that waits on another terminal, where somebody can read it. */
function whereItIsAsked(
  { questions, table, terminals }: Deps,
  { name, policy }: GuardedSession,
  { ttys }: Request,
  { facts }: Asker,
): { message?: string } {
  const holder = (ttys & errorOutput) === 0 ? undefined : questions.newsFor(name, facts)
  if (holder === undefined) return {}
  const where = terminals.ofProcess(holder)?.path ?? 'another terminal'
  const { waiting } = wordsOf(table.rules(policy).unlock)
  return { message: `kubeguard: ${policy} is locked: ${waiting} ${where}` }
}

function explain(
  { table }: Deps,
  guarded: GuardedSession,
  { because }: Extract<Meeting, { verdict: 'refuse' }>,
): Refusal {
  const { policy } = guarded
  const cure = `run: kubeguard unlock ${policy}`
  switch (because) {
    case 'locked':
      return explainLock(guarded)
    case 'given-up':
      return refusal(`${policy} is locked, and ${wordsOf(table.rules(policy).unlock).unanswered}`, cure)
    case 'waited-long':
      return refusal(`${policy} is locked, and nobody answered the question that is open`, cure)
  }
}
