import { elapsedMs } from '../domain/instant.ts'
import { GuardError } from '../domain/errors.ts'
import { guardedSession } from './guarded-session.ts'
import type { GuardedSession, LedTerminal } from './guarded-session.ts'
import type { ProcessId } from './ports.ts'
import type { Instant } from '../domain/instant.ts'

interface World {
  readonly now: () => Instant
  readonly isAlive: (process: ProcessId) => boolean
  readonly isThere: (terminal: LedTerminal) => boolean
}

/** More terminals than a person has, each with the policies that were met there. */
const mostSessions = 1_024
/** Each has a keeper. */
const mostOpen = 32
/** A lock has come to its end by then. */
const keptMs = 60_000

/** The sessions of policies that have one for each terminal: made when they are asked for. */
export class TerminalSessions {
  readonly #sessions = new Map<string, GuardedSession>()
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  all(): GuardedSession[] {
    return [...this.#sessions.values()]
  }

  /** @throws GuardError locked where there are too many terminals */
  of(policy: string, terminal: LedTerminal): GuardedSession {
    const made = guardedSession(policy, terminal)
    const known = this.#sessions.get(made.name)
    if (known !== undefined) return known
    this.#forget()
    if (this.#sessions.size >= mostSessions)
      throw new GuardError('locked', `too many terminals have met a lock of ${policy}`, {
        cure: 'close some of them, then try again',
      })
    this.#sessions.set(made.name, made)
    return made
  }

  /** Those whose terminal is gone: it never comes back. Those of others have their reason to tell. */
  #forget(): void {
    for (const [name, guarded] of this.#sessions) if (this.#isOver(guarded)) this.#sessions.delete(name)
  }

  #isOver({ terminal, session, clients, traces, ...guarded }: GuardedSession): boolean {
    if (session.state !== 'locked' || (terminal !== undefined && this.#world.isThere(terminal))) return false
    if (session.lock !== undefined && elapsedMs(session.lock.at, this.#world.now()) < keptMs) return false
    if ([...clients.values()].some(({ id }) => this.#world.isAlive(id))) return false
    const isEmpty = traces.size + guarded.attempts.size === 0
    return isEmpty && guarded.keeper === undefined && guarded.suspended === undefined
  }
}

/** @throws GuardError locked where one more would be too many */
export function refuseTooMany(notLocked: readonly GuardedSession[], guarded: GuardedSession): void {
  if (guarded.terminal === undefined) return
  const others = notLocked.filter((one) => one.terminal !== undefined && one !== guarded)
  if (others.length < mostOpen) return
  throw new GuardError('locked', `${guarded.policy} is open on too many terminals`, {
    cure: `lock it on all of them: kubeguard lock ${guarded.policy}; then unlock it here`,
  })
}
