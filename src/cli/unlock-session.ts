import { callDaemon } from '../client/call.ts'
import { GuardError } from '../domain/errors.ts'
import type { ReplyOf } from '../protocol/messages.ts'
import type { OpenReport, StatusReport } from '../protocol/reports.ts'
import { clean } from './clean-text.ts'
import { formatDuration, formatMoment } from './duration.ts'
import { origin } from './origin.ts'
import { say, sayFailure } from './output.ts'
import type { PassphraseSource } from './passphrase.ts'
import { prove } from './prove.ts'

export interface UnlockOrder {
  /** Absent: the policy of the current context. */
  readonly policy?: string | undefined
  readonly forMs?: number | undefined
  /** By the recovery key in the passphrase's place. */
  readonly recovery?: boolean | undefined
  /** `credential: ephemeral`: one of the roles that the policy offers. */
  readonly role?: string | undefined
  /** A client met a lock: the strict rules of asking. */
  readonly forClient?: boolean | undefined
}

/** A person may mistype; after these the growing delay of the daemon begins anyway. */
const triesOfPerson = 3

/**
 * Unlocks one session, and says so in one line.
 * @throws GuardError `wrong-passphrase` after the last try, `unlock-delayed`, `unlock-cancelled`, …
 */
export async function unlockSession(order: UnlockOrder, source: PassphraseSource): Promise<void> {
  const tries = source.asksPerson ? triesOfPerson : 1
  let policy = order.policy
  const noteBegun = (begun: string): void => void (policy = begun)
  for (let left = tries; ; left -= 1) {
    try {
      const unlocked = await tryOnce(order, source, noteBegun)
      sayUnlocked(unlocked)
      sayFailedBefore(unlocked.report.failedBefore, tries - left)
      if (order.recovery) say('choose a new passphrase: kubeguard passwd --recovery')
      return
    } catch (error) {
      if (!(error instanceof GuardError) || !mistyped.has(error.code) || left === 1) {
        await giveUp(policy, error)
        throw error
      }
      source.forget?.()
      sayFailure(error.message, 'try again, or press Ctrl-C')
    }
  }
}

const mistyped = new Set<string>(['wrong-passphrase', 'wrong-recovery-key'])

/** Nobody was asked, or somebody else may still answer. */
const noAnswer = new Set<string>(['cannot-ask-here', 'ticket-refused', 'daemon-unreachable'])

/** Tells those who wait for this question that there will be no unlock. Should the daemon be gone, so are they. */
async function giveUp(policy: string | undefined, error: unknown): Promise<void> {
  if (policy === undefined || (error instanceof GuardError && noAnswer.has(error.code))) return
  await callDaemon('session.give-up', { policy }, { start: false }).catch(() => undefined)
}

interface Unlocked {
  readonly policy: string
  readonly already: boolean
  readonly report: Pick<
    OpenReport,
    | 'idleMs'
    | 'untilWallMs'
    | 'merged'
    | 'materialised'
    | 'notMaterialised'
    | 'gatewayDown'
    | 'otherAccess'
    | 'failedBefore'
    | 'sessions'
  >
}

async function tryOnce(
  order: UnlockOrder,
  source: PassphraseSource,
  noteBegun: (policy: string) => void,
): Promise<Unlocked> {
  const { policy, forMs, forClient = false, recovery = false, role } = order
  const begun = await callDaemon('session.unlock', { ...origin(), policy, forMs, recovery, role })
  noteBegun(begun.policy)
  if (begun.already) return { policy: begun.policy, already: true, report: limitsOf(begun) }
  const passphrase = begun.asks
    ? await source.ask(`${recovery ? 'recovery key' : 'passphrase'} for ${clean(begun.policy)}`)
    : Buffer.alloc(0)
  try {
    const meeting = { policy: begun.policy, forClient, say }
    const report = await prove({ socket: begun.socket, ticket: begun.ticket, passphrase }, meeting)
    return { policy: begun.policy, already: false, report }
  } finally {
    passphrase.fill(0)
  }
}

function limitsOf({ idleMs, untilWallMs }: ReplyOf<'session.unlock'>): Unlocked['report'] {
  return {
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(untilWallMs === undefined ? {} : { untilWallMs }),
  }
}

function sayUnlocked({ policy, already, report }: Unlocked): void {
  const idle = report.idleMs === undefined ? '' : `, idle limit ${formatDuration(report.idleMs)}`
  const until =
    report.untilWallMs === undefined ? '' : `, until ${formatMoment(report.untilWallMs)} at the latest`
  const merged = (report.merged ?? []).map(
    ({ user, file, sealedAtMs }) =>
      `sealed while locked, now in the vault: ${user} (${file}), ${formatMoment(sealedAtMs)}`,
  )
  say(
    `${policy} ${already ? 'is unlocked already' : 'unlocked'}${idle}${until}`,
    ...merged,
    ...materialisedLines(report),
    ...gatewayLines(report),
    ...sessionLines(report.sessions),
  )
}

/** The weakest choice is said each time. */
function materialisedLines({
  materialised = [],
  notMaterialised = [],
}: Pick<OpenReport, 'materialised' | 'notMaterialised'>): string[] {
  return [
    ...materialised.map(
      ({ user, file }) => `in plain text until the lock (materialize): ${clean(user)} (${clean(file)})`,
    ),
    ...notMaterialised.map(
      ({ user, file, message, cure }) =>
        `not materialised: ${clean(user)} (${clean(file)}): ${clean(message)}; ${clean(cure)}`,
    ),
  ]
}

function gatewayLines({
  gatewayDown,
  otherAccess = [],
}: Pick<OpenReport, 'gatewayDown' | 'otherAccess'>): string[] {
  return [
    ...(gatewayDown === undefined ? [] : [`${clean(gatewayDown.message)}; ${clean(gatewayDown.cure)}`]),
    ...(otherAccess.length === 0 ? [] : [otherAccessLine(otherAccess)]),
  ]
}

const mostNamed = 3

function otherAccessLine(users: NonNullable<OpenReport['otherAccess']>): string {
  const named = users.slice(0, mostNamed).map(({ user, file }) => `${clean(user)} (${clean(file)})`)
  const more = users.length > mostNamed ? ` and ${users.length - mostNamed} more` : ''
  return `adopted when the policy had another access: ${named.join(', ')}${more}; run: kubeguard adopt`
}

/** One line for each role, and one for each session that could not be opened. */
function sessionLines(sessions: OpenReport['sessions'] = []): string[] {
  const roles = new Set(sessions.flatMap(({ role }) => role ?? []))
  return [
    ...[...roles].map(
      (role) => `with the role ${clean(role)}, by an identity that its lock deletes in the cluster`,
    ),
    ...sessions.flatMap(({ user, message, cure }) =>
      message === undefined ? [] : [`no session for ${clean(user)}: ${clean(message)}; ${clean(cure ?? '')}`],
    ),
  ]
}

/** Not of those alone that this very command has just seen. */
export function sayFailedBefore(failed: OpenReport['failedBefore'], own = 0): void {
  if (failed === undefined || failed.count <= own) return
  const attempts = failed.count === 1 ? '1 failed attempt' : `${failed.count} failed attempts`
  say(
    `${attempts} since ${formatMoment(failed.sinceMs)}, the last on ${clean(failed.lastOn)}`,
    'was it not you? see who: kubeguard log --event unlock-failed',
  )
}

/** The daemon's view of every session, and of the current context. */
export async function readStatus(options: { start?: boolean } = {}): Promise<StatusReport> {
  const { status } = await callDaemon('session.status', origin(), options)
  return status as StatusReport
}
