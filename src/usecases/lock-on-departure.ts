import type { Departure } from '../domain/departure.ts'
import type { GuardedSession } from './guarded-session.ts'
import type { LockSession } from './lock-session.ts'
import type { DepartureWatch } from './ports.ts'
import type { SessionTable } from './session-table.ts'

interface Deps {
  readonly table: Pick<SessionTable, 'notLocked' | 'rules'>
  readonly lockSession: Pick<LockSession, 'lock'>
  readonly watch: DepartureWatch
}

/** Locks when the person leaves, as far as the rules of each session say. */
export class LockOnDeparture {
  readonly #deps: Deps
  /** Departures whose locks do not stand yet. */
  #underWay = 0

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Resolves when each lock that follows stands: sleep waits for that. A lock that fails says so by itself. */
  async seen(departure: Departure): Promise<void> {
    const leaving = this.#deps.table
      .notLocked()
      .filter((guarded) => this.#signsOf(guarded).includes(departure))
    this.#underWay += 1
    await Promise.allSettled(leaving.map((guarded) => this.#deps.lockSession.lock(guarded, departure)))
    this.#underWay -= 1
    this.attend()
  }

  /** Listens for what the open sessions are to be locked on, and for nothing while all are locked. */
  attend(): void {
    // A session is locked before its keeper is gone, and until then nothing may sleep.
    if (this.#underWay > 0) return
    const signs = new Set(this.#deps.table.notLocked().flatMap((guarded) => this.#signsOf(guarded)))
    const delaysSleep = signs.has('suspend')
    this.#deps.watch.set({
      listens: delaysSleep || signs.has('screen-lock') || signs.has('logout'),
      delaysSleep,
    })
  }

  /** With each heartbeat. */
  look(): void {
    this.#deps.watch.look()
  }

  /** One that is only being unlocked has not been given rules yet. */
  #signsOf(guarded: GuardedSession): readonly Departure[] {
    const isOpen = guarded.session.state === 'unlocked' || guarded.session.state === 'held'
    return isOpen ? guarded.lockOn : this.#deps.table.rules(guarded.policy).lockOn
  }
}
