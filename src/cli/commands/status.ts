import { GuardError } from '../../domain/errors.ts'
import type {
  BorrowedUser,
  HoldStatus,
  LiveStatus,
  RevocationReport,
  SessionStatus,
  StatusReport,
} from '../../protocol/reports.ts'
import { clean } from '../clean-text.ts'
import { describeFate } from '../client-fate.ts'
import { formatDuration, formatMoment } from '../duration.ts'
import { coloursFor, print, printJson } from '../output.ts'
import { table } from '../table.ts'
import { readStatus } from '../unlock-session.ts'

const exitLocked = 77

/**
 * Prints every session's state, problems first.
 * @returns 0 where the session asked for is unlocked, else 77: of the policy named, else of the current
 *   context's, else of any.
 * @throws GuardError `policy-unknown`
 */
export async function status(
  policy: string | undefined,
  options: { json?: boolean | undefined },
): Promise<number> {
  const report = await readStatus()
  const asked = sessionsAsked(report, policy)
  if (options.json) printJson(report)
  else printStatus(report, policy === undefined ? report.sessions : asked)
  return asked.some((session) => session.state === 'unlocked') ? 0 : exitLocked
}

function sessionsAsked(report: StatusReport, policy: string | undefined): readonly SessionStatus[] {
  const name = policy ?? report.currentPolicy
  if (name === undefined) return report.sessions
  const found = report.sessions.filter((session) => session.policy === name)
  if (found.length === 0 && policy !== undefined)
    throw new GuardError('policy-unknown', `no policy is named ${name}`)
  return found
}

function printStatus(report: StatusReport, sessions: readonly SessionStatus[]): void {
  const { red, yellow, dim } = coloursFor(process.stdout)
  for (const { message, cure, sinceMs } of report.misuse) {
    const since = sinceMs === undefined ? '' : ` (since ${formatMoment(sinceMs)})`
    print(`${red('!')} ${clean(message)}${since}`)
    print(`  ${dim(clean(cure))}`)
  }
  for (const problem of report.problems) print(`${yellow('!')} ${clean(problem)}`)
  for (const revocation of report.revocations) print(`${yellow('!')} ${revocationLine(revocation)}`)
  const head = ['policy', 'state', 'idle left', 'lifetime left', 'credentials', 'notes'].map((title) =>
    dim(title),
  )
  for (const line of table(
    head,
    sessions.map((session) => row(session, report)),
  ))
    print(line)
  for (const session of sessions) {
    for (const { user, file, sealedAtMs } of session.pending)
      print(
        `  ${session.policy}: sealed since the last unlock: ${clean(user)} (${clean(file)}), ${formatMoment(sealedAtMs)}`,
      )
    for (const { user, file } of session.materialised)
      print(
        `  ${session.policy}: ${yellow('in plain text until the lock')} (materialize, the weakest choice): ${clean(user)} (${clean(file)})`,
      )
    if (session.roles !== undefined) print(`  ${rolesLine(session, session.roles)}`)
    for (const borrowed of session.borrowed) print(`  ${borrowedLine(session, borrowed)}`)
    for (const held of session.holds) print(`  ${holdLine(session, held)}`)
    for (const live of session.live) print(`  ${liveLine(session, live)}`)
  }
}

function row(session: SessionStatus, report: StatusReport): string[] {
  const { green, red, yellow, bold } = coloursFor(process.stdout)
  const isCurrent = session.policy === report.currentPolicy
  const state =
    session.state === 'unlocked'
      ? green('unlocked')
      : session.state === 'locked'
        ? red('locked')
        : session.state === 'held'
          ? yellow('held')
          : session.state
  return [
    isCurrent ? bold(clean(session.policy)) : clean(session.policy),
    state,
    session.idleLeftMs === undefined ? '' : formatDuration(session.idleLeftMs),
    session.lifetimeLeftMs === undefined ? '' : formatDuration(session.lifetimeLeftMs),
    session.hasVault || session.credentials > 0 ? String(session.credentials) : 'no vault',
    notes(session, isCurrent ? report.currentContext : undefined).join('; '),
  ]
}

function notes(session: SessionStatus, currentContext: string | undefined): string[] {
  const found: string[] = []
  if (currentContext !== undefined) found.push(`current context ${clean(currentContext)}`)
  if (session.lockReason !== undefined) {
    const at = session.lockedAtMs === undefined ? '' : ` at ${formatMoment(session.lockedAtMs)}`
    found.push(`${session.lockReason}${at}`)
  }
  if (session.heldLeftMs !== undefined)
    found.push(`open for what is held, for ${formatDuration(session.heldLeftMs)} at most`)
  if (session.failedUnlocks > 0) found.push(`${session.failedUnlocks} failed since the last unlock`)
  return found
}

function liveLine(session: SessionStatus, live: LiveStatus): string {
  const what = `${session.policy}: ${clean(live.command)} (${live.pid}), ${clean(live.context)}, ${formatDuration(Date.now() - live.sinceMs)}`
  switch (live.fate) {
    case 'held':
      return `${what}: an idle lock leaves it (${describeFate(live)})`
    case 'ended':
      return `${what}: ended by a lock`
    case 'suspended':
      return live.suspendedUntilMs === undefined
        ? `${what}: covered by a lock`
        : `${what}: goes on behind a lock screen until ${formatMoment(live.suspendedUntilMs)}`
    case 'expires': {
      const ends = live.credentialEndsMs
      const when = ends === undefined ? 'is not renewed by a lock' : `ends ${formatMoment(ends)}`
      return `${what}: credential ${when}, open streams may remain`
    }
  }
}

/** Strength cluster: what clients have is worthless after the lock, wherever it was copied to. */
function rolesLine({ policy, role }: SessionStatus, roles: readonly string[]): string {
  const now = role === undefined ? '' : `as ${clean(role)}, `
  return `${policy}: strength cluster: ${now}by an identity of the session’s own; roles: ${roles.length === 0 ? 'none' : clean(roles.join(', '))}`
}

/** The lock stands here; its cluster has yet to be told, or nobody is left who would. */
function revocationLine({ policy, server, name, sinceMs, untilMs, isTried }: RevocationReport): string {
  const what = `revocation pending since ${formatMoment(sinceMs)}: ${clean(policy)}, ${clean(name)} at ${clean(server)}`
  const rest = isTried ? '' : '; nobody is at it any more, the next unlock deletes it'
  return `${what}; no token of it is good for longer than until ${formatMoment(untilMs)}${rest}`
}

/** What a lock does not reach. */
function borrowedLine({ policy }: SessionStatus, { user, plugin, sources }: BorrowedUser): string {
  return `${policy}: ${clean(user)} is borrowed: ${clean(plugin)} has its own in ${clean(sources.join(', '))}, which outlives a lock`
}

/** `make (4711) may run until 14:45`: what a person's word, or the policy, spares. */
function holdLine({ policy }: SessionStatus, { program, pid, kind, untilWallMs }: HoldStatus): string {
  const word = kind === 'hold' ? 'may run' : 'may finish'
  return `${policy}: ${clean(program)} (${pid}) ${word}${untilWallMs === undefined ? ' after an idle lock' : ` until ${formatMoment(untilWallMs)}`}`
}
