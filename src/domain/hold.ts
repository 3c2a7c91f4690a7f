import type { Ancestor } from './holder.ts'
import { elapsedMs } from './instant.ts'
import type { Instant } from './instant.ts'
import { isSessionKeeper } from './programs.ts'

/** A process that a recycled pid can't pass for. */
export type HeldProcess = Pick<Ancestor, 'pid' | 'startTicks'>

/** What an idle lock leaves in peace for a while; any other lock ends it. */
export interface Hold {
  readonly process: HeldProcess
  /**
   * - `hold`: a person's word that this job may run unattended, its children included;
   * - `finish`: a client that was writing when the lock came, by the policy's `finish`; it alone.
   */
  readonly kind: 'hold' | 'finish'
  readonly forMs: number
  /** When the time began to run; undefined for a writer while nothing has locked. */
  readonly since: Instant | undefined
}

/** More jobs and writers at once than one person has. */
const mostHolds = 64

export const isSameProcess = (a: HeldProcess, b: HeldProcess): boolean =>
  a.pid === b.pid && a.startTicks === b.startTicks

/** Time that a hold has left, in ms; one whose time has not begun has all of it. */
export function holdLeftMs({ forMs, since }: Hold, now: Instant): number {
  return since === undefined ? forMs : forMs - elapsedMs(since, now)
}

export function runningHolds(holds: readonly Hold[], now: Instant): readonly Hold[] {
  const running = holds.filter((hold) => holdLeftMs(hold, now) > 0)
  return running.length === holds.length ? holds : running
}

/**
 * Takes in one more, in place of what there was for the same process. A person's word stands above the
 * policy's, and where there is no room a writer gives way.
 */
export function withHold(holds: readonly Hold[], added: Hold): readonly Hold[] {
  const before = holds.find(({ process }) => isSameProcess(process, added.process))
  if (before?.kind === 'hold' && added.kind === 'finish') return holds
  const others = holds.filter((hold) => hold !== before)
  if (others.length < mostHolds) return [...others, added]
  const writer = others.find(({ kind }) => kind === 'finish')
  return writer === undefined ? holds : [...others.filter((hold) => hold !== writer), added]
}

export function withoutProcess(holds: readonly Hold[], process: HeldProcess): readonly Hold[] {
  return holds.filter((hold) => !isSameProcess(hold.process, process))
}

/** What stricter rules leave of what was granted. */
export function tightenedHolds(
  holds: readonly Hold[],
  rules: { readonly hold: 'allow' | 'never'; readonly finishMs: number },
): readonly Hold[] {
  return holds
    .filter(({ kind }) => kind === 'finish' || rules.hold === 'allow')
    .map((hold) => (hold.kind === 'hold' ? hold : { ...hold, forMs: Math.min(hold.forMs, rules.finishMs) }))
}

/**
 * May this process be served while its session is held? A job's word is for all that it starts, however
 * deep; but whoever types into a shell below it, or into a multiplexer that it started, is a person, and a
 * person unlocks.
 *
 * @param ancestry the process itself first, then its parents
 * @param holder the client that holds the credential, where one is asked for: a writer's word is for itself
 */
export function isServed(
  holds: readonly Hold[],
  ancestry: Iterable<Ancestor>,
  holder?: HeldProcess,
): boolean {
  const isWriter = ({ kind, process }: Hold): boolean =>
    kind === 'finish' && holder !== undefined && isSameProcess(process, holder)
  if (holds.some(isWriter)) return true
  const jobs = holds.filter(({ kind }) => kind === 'hold')
  if (jobs.length === 0) return false
  for (const one of ancestry) {
    if (one.interactiveShell || isSessionKeeper(one.program)) return false
    if (jobs.some(({ process }) => isSameProcess(process, one))) return true
  }
  return false
}
