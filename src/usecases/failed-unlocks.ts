import { GuardError } from '../domain/errors.ts'
import { formatDuration } from '../domain/duration.ts'
import { plainText } from '../domain/plain-text.ts'
import { isLockedOut, strictestLockOut, unlockDelayMs } from '../domain/unlock-delay.ts'
import type { OpenReport } from '../protocol/reports.ts'
import { noFailures } from './ports.ts'
import type {
  Clock,
  FailedUnlocks,
  Journal,
  Log,
  PolicySource,
  ProcessFacts,
  ProcessTable,
  Terminals,
} from './ports.ts'
import type { WatchMisuse } from './watch-misuse.ts'

export interface FailureDeps {
  readonly clock: Clock
  readonly journal: Journal
  readonly log: Pick<Log, 'error'>
  readonly policies: Pick<PolicySource, 'current'>
  readonly processes: Pick<ProcessTable, 'inspect'>
  readonly terminals: Pick<Terminals, 'ofProcess'>
  readonly misuse: Pick<WatchMisuse, 'failed'>
}

/** One passphrase opens all vaults, so that wrong ones are counted per account, whatever policy was tried. */
export const failuresKey = '*'

/** How long until the next try, in ms, and why. */
interface UnlockWait {
  readonly leftMs: number
  readonly failures: FailedUnlocks
  readonly lockedOut: boolean
}

/** Is there a delay, or a lock-out, now? */
export function unlockWait({
  clock,
  journal,
  policies,
}: Pick<FailureDeps, 'clock' | 'journal' | 'policies'>): UnlockWait {
  const failures = journal.failures(failuresKey)
  const lockOut = strictestLockOut(policies.current())
  const { count, lastWallMs, waitMs } = failures
  const passedMs = Math.max(0, clock.now().wallMs - lastWallMs)
  const leftMs = Math.max(waitMs, unlockDelayMs(count, lockOut)) - passedMs
  return { leftMs, failures, lockedOut: isLockedOut(count, lockOut) || waitMs > unlockDelayMs(count) }
}

/** @throws GuardError unlock-delayed or locked-out while the wait after wrong passphrases lasts. */
export function refuseEarly(deps: Pick<FailureDeps, 'clock' | 'journal' | 'policies'>): void {
  const { leftMs, failures, lockedOut } = unlockWait(deps)
  const nowMs = deps.clock.now().wallMs
  // A wall clock that was set back must not lengthen the delay past its full length: it begins anew, once.
  if (nowMs < failures.lastWallMs)
    deps.journal.setFailures(failuresKey, { ...failures, lastWallMs: nowMs, sinceWallMs: nowMs })
  if (leftMs <= 0) return
  const seconds = Math.ceil(leftMs / 1000)
  const run = `${failures.count} wrong passphrases in a row`
  if (!lockedOut) throw new GuardError('unlock-delayed', `${run}: the next try is possible in ${seconds} s`)
  throw new GuardError(
    'locked-out',
    `${run}, the last on ${failures.lastOn}: nothing is asked for ${formatDuration(seconds * 1000)}`,
  )
}

/** Counts wrong passphrases; other failures are only written down. */
export function recordFailure(
  deps: FailureDeps,
  policy: string,
  { failure, client }: { readonly failure: string; readonly client: ProcessFacts },
): void {
  const on = whereOf(deps, client)
  deps.journal.recordDurably({ event: 'unlock-failed', policy, details: { failure, on, pid: client.pid } })
  if (failure !== 'wrong-passphrase') return
  const nowMs = deps.clock.now().wallMs
  const { count, sinceWallMs } = deps.journal.failures(failuresKey)
  const failures = {
    count: count + 1,
    lastWallMs: nowMs,
    sinceWallMs: count === 0 || sinceWallMs === 0 ? nowMs : sinceWallMs,
    lastOn: on,
    waitMs: unlockDelayMs(count + 1, strictestLockOut(deps.policies.current())),
  }
  const kept = deps.journal.setFailures(failuresKey, failures)
  if (!kept) deps.log.error('a failed unlock could not be counted', { policy })
  deps.misuse.failed(policy, failures)
}

/** A success ends the row. @returns what to tell of it; undefined where nothing failed, or it can't be written down. */
export function forgiveFailures({ journal }: Pick<FailureDeps, 'journal'>): {
  readonly kept: boolean
  readonly before?: FailedUnlocks
} {
  const before = journal.failures(failuresKey)
  const kept = journal.setFailures(failuresKey, noFailures)
  return before.count === 0 ? { kept } : { kept, before }
}

/** For whoever has just proven who he is. */
export function failedBefore({
  before,
}: {
  readonly before?: FailedUnlocks
}): Pick<OpenReport, 'failedBefore'> {
  if (before === undefined) return {}
  return { failedBefore: { count: before.count, sinceMs: before.sinceWallMs, lastOn: before.lastOn } }
}

/** Where a try came from, as a person would know it. */
function whereOf({ processes, terminals }: FailureDeps, client: ProcessFacts): string {
  const terminal = terminals.ofProcess(client)
  if (terminal !== undefined) return terminal.path.replace(/^\/dev\//, '')
  // What asks is a kubeguard of ours: whoever started it says more.
  const starter = processes.inspect(client.ppid)?.program ?? client.program
  return `${plainText(starter, 40)}, without a terminal`
}
