import type { Departure } from '../domain/departure.ts'
import type { LockReason } from '../domain/event.ts'
import { GuardError } from '../domain/errors.ts'
import { strictestPolicies } from '../domain/default-policies.ts'
import { strictestUnlock } from '../domain/policy-unlock.ts'
import { noRole } from '../domain/policy-credential.ts'
import { policyForContext } from '../domain/policy.ts'
import type { Policy } from '../domain/policy.ts'
import type { HeldProcess } from '../domain/hold.ts'
import { overdue, transition } from '../domain/session.ts'
import type { Effect, Limits, Session, SessionEvent } from '../domain/session.ts'
import { strictest } from '../domain/tighten-policies.ts'
import { clientKey, guardedSession } from './guarded-session.ts'
import type { GuardedSession, LedTerminal } from './guarded-session.ts'
import type { Clock, PolicySource, ProcessFacts, ProcessId, ProcessTable, VaultCatalogue } from './ports.ts'
import { TerminalSessions } from './terminal-sessions.ts'

type EndSession = (guarded: GuardedSession, reason: LockReason) => void

interface World {
  readonly clock: Clock
  readonly policies: PolicySource
  readonly vaults: Pick<VaultCatalogue, 'policies'>
  readonly processes: Pick<ProcessTable, 'isAlive'>
  /** A sign of leaving that nobody tells of, which locks this session: looked for with every event, so that none is missed. */
  readonly departed?: (guarded: GuardedSession) => Departure | undefined
  /** The terminal that a process belongs to; none where nobody can say. */
  readonly terminalOf?: (process: ProcessFacts) => LedTerminal | undefined
  /** Is that terminal still there? */
  readonly isThere?: (terminal: LedTerminal) => boolean
}

/** From here on the dead among the held are looked for also while nothing is about to lock. */
const sweepAbove = 32

/**
 * Every session of this account. Each policy has one; where it has one for each terminal (`scope: terminal`), its own stays
 * locked, and stands for whoever has no terminal. The only way to change one is `advance`, so that a passed deadline
 * and a lock are never missed, whoever asks.
 */
export class SessionTable {
  readonly #sessions = new Map<string, GuardedSession>()
  readonly #ofTerminals: TerminalSessions
  readonly #world: World
  readonly #endSession: EndSession
  readonly #changed: () => void

  /**
   * `endSession` ends all that the session's state does not hold; it must begin before it returns: what follows
   * is already locked out. `changed` is called for each session that is another after an event, times included.
   */
  constructor(world: World, endSession: EndSession, changed: () => void = () => {}) {
    this.#world = world
    this.#ofTerminals = new TerminalSessions({
      now: () => world.clock.now(),
      isAlive: (process) => world.processes.isAlive(process),
      isThere: (terminal) => world.isThere?.(terminal) !== false,
    })
    this.#endSession = endSession
    this.#changed = changed
  }

  /**
   * The sessions that exist: one per policy in force, one per vault whose policy is gone, any that is
   * still open though both are gone, and those of terminals.
   */
  all(): GuardedSession[] {
    return [...this.policyNames().map((policy) => this.#ensure(policy)), ...this.#ofTerminals.all()]
  }

  /** One for each policy: those that are open, or not, for this process. */
  seenFrom(asker: ProcessFacts | undefined): GuardedSession[] {
    return this.policyNames().map((policy) => this.#of(policy, asker))
  }

  /** Those of one policy, of every terminal. @throws GuardError policy-unknown */
  allOf(policy: string): GuardedSession[] {
    return [this.get(policy), ...this.#ofTerminals.all().filter((guarded) => guarded.policy === policy)]
  }

  policyNames(): string[] {
    const inForce = this.#world.policies.current().map((policy) => policy.name)
    return [...new Set([...inForce, ...this.#world.vaults.policies(), ...this.#open()])]
  }

  /** Does any session know this process as a live one? Asked for every credential, so no file is looked at. */
  knowsAsLive(client: ProcessId): boolean {
    const key = clientKey(client)
    return this.#known().some(({ clients }) => clients.get(key)?.kind === 'live')
  }

  /**
   * A policy's session for the process that asks. Without one, or a terminal of its own, what has a session for each
   * terminal has none that could be opened.
   * @throws GuardError policy-unknown when neither a rule, a vault nor an open session has that name.
   */
  get(policy: string, asker?: ProcessFacts): GuardedSession {
    const guarded = this.find(policy, asker)
    if (guarded === undefined) throw new GuardError('policy-unknown', `no policy is named ${policy}`)
    return guarded
  }

  /** @returns undefined when neither a rule, a vault nor an open session has that name. */
  find(policy: string, asker?: ProcessFacts): GuardedSession | undefined {
    const { policies, vaults } = this.#world
    const inForce = policies.current().some(({ name }) => name === policy)
    const known = inForce || vaults.policies().includes(policy) || this.#open().includes(policy)
    return known ? this.#of(policy, asker) : undefined
  }

  #open(): string[] {
    return this.notLocked().map(({ policy }) => policy)
  }

  /** Those that serve somebody, or are being unlocked; no file is looked at. */
  notLocked(): GuardedSession[] {
    return this.#known().filter(({ session }) => session.state !== 'locked')
  }

  #known(): GuardedSession[] {
    return [...this.#sessions.values(), ...this.#ofTerminals.all()]
  }

  /** Is it that of nobody, because its policy has one for each terminal? */
  wantsTerminal({ policy, terminal }: GuardedSession): boolean {
    return terminal === undefined && this.rules(policy).scope === 'terminal'
  }

  /** Applies one event at the present moment, and starts the lock if that is what follows. */
  advance(guarded: GuardedSession, event: SessionEvent): readonly Effect[] {
    const reason = this.#isMisplaced(guarded) ? 'policy-changed' : this.#world.departed?.(guarded)
    const before = reason === undefined ? [] : this.#apply(guarded, { type: 'lock', reason })
    for (const process of this.#endedHolds(guarded.session))
      this.#apply(guarded, { type: 'hold-ended', process })
    return [...before, ...this.#apply(guarded, event)]
  }

  /** The rules have changed for whom a session is: nobody finds it there any more. */
  #isMisplaced({ policy, session, terminal }: GuardedSession): boolean {
    if (session.state === 'locked') return false
    return (this.rules(policy).scope === 'terminal') !== (terminal !== undefined)
  }

  /** A job that is over holds nothing open, so it is looked for before a lock could be narrower for it. */
  #endedHolds(session: Session): HeldProcess[] {
    if (session.state !== 'held' && session.state !== 'unlocked') return []
    const { clock, processes } = this.#world
    const due = session.state === 'held' || overdue(session, clock.now()) !== undefined
    if (!due && session.holds.length <= sweepAbove) return []
    return session.holds.map(({ process }) => process).filter((process) => !processes.isAlive(process))
  }

  #apply(guarded: GuardedSession, event: SessionEvent): readonly Effect[] {
    const before = guarded.session
    const { session, effects } = transition(before, event, this.#world.clock.now())
    guarded.session = session
    if (session !== before) this.#changed()
    for (const effect of effects) {
      if (effect.type === 'end-session' || effect.type === 'narrow-session')
        this.#endSession(guarded, effect.reason)
    }
    return effects
  }

  /**
   * The rules of a policy. A vault's policy was fixed when its credentials were adopted; if its rules have
   * left the file, the strictest of those in force and of our own for production apply.
   */
  rules(name: string): Policy {
    const policies = this.#world.policies.current()
    const named = policies.find((policy) => policy.name === name)
    if (named !== undefined) return named
    const [ours] = strictestPolicies()
    return {
      ...strictest(ours, policies),
      // What was named at the unlock is in the trace; another policy's commands and program are not this one's.
      onLock: [],
      pinentry: '',
      // Its vault's passphrase, and whatever any of them checks beside what opens.
      unlock: strictestUnlock([[{ factor: 'passphrase' }], ...policies.map(({ unlock }) => unlock.slice(1))]),
      // Nobody has said which role it may have.
      ...(policies.some(({ ephemeral }) => ephemeral !== undefined) && { ephemeral: noRole }),
    }
  }

  limits(name: string): Limits {
    const { idleMs, lifetimeMs } = this.rules(name)
    return { idleMs, lifetimeMs }
  }

  /** The session that guards a context whose credential is not in a vault. */
  forContext(context: string, asker?: ProcessFacts): GuardedSession {
    return this.#of(policyForContext(this.#world.policies.current(), context).name, asker)
  }

  #of(policy: string, asker: ProcessFacts | undefined): GuardedSession {
    if (asker === undefined || this.rules(policy).scope !== 'terminal') return this.#ensure(policy)
    const terminal = this.#world.terminalOf?.(asker)
    return terminal === undefined ? this.#ensure(policy) : this.#ofTerminals.of(policy, terminal)
  }

  #ensure(policy: string): GuardedSession {
    let guarded = this.#sessions.get(policy)
    if (guarded === undefined) {
      guarded = guardedSession(policy)
      this.#sessions.set(policy, guarded)
    }
    return guarded
  }
}
