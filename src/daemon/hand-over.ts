import { spawn } from 'node:child_process'
import { GuardError } from '../domain/errors.ts'
import { daemonBuild, daemonCommand } from '../platform/install.ts'
import type { SessionTable } from '../usecases/session-table.ts'

/** Tells a service manager to start the daemon anew: RestartForceExitStatus= of the unit. */
export const startMeAgain = 3

/** Answers that are on their way get there first. */
const answersMs = 200

interface Way {
  /** A session is locked before its lock has come to its end: a new daemon would not know what is left of that. */
  readonly settle: () => Promise<void>
  readonly leave: () => void
}

/**
 * After an update the old daemon goes on for as long as a session is open, and then makes way for the new one: nobody is
 * locked out by an update, and no old daemon starts the processes of a new build.
 */
export class HandOver {
  readonly #build = daemonBuild()
  readonly #way: Way
  #leaving = false

  constructor(way: Way) {
    this.#way = way
  }

  /** A lock has come to its end. */
  afterLock(table: SessionTable): void {
    this.offer(table)
  }

  /**
   * Before something begins that starts processes of the installed build.
   * @throws GuardError `daemon-replaced` where the new daemon is to do it: nothing was done, and the client asks again.
   */
  beforeWork(table: SessionTable): void {
    if (this.offer(table))
      throw new GuardError('daemon-replaced', 'kubeguard was updated, and its new daemon takes over just now')
  }

  /** Makes way where another build is installed and everything is locked. @returns whether it does */
  offer(table: SessionTable): boolean {
    if (this.#leaving) return true
    if (!isAllLocked(table) || !this.#isReplaced()) return false
    this.#leaving = true
    const { settle, leave } = this.#way
    void settle().finally(() => setTimeout(leave, answersMs))
    return true
  }

  /** An update that is under way is none yet. */
  #isReplaced(): boolean {
    const build = daemonBuild()
    return build !== undefined && this.#build !== undefined && build !== this.#build
  }
}

function isAllLocked(table: SessionTable): boolean {
  return table
    .all()
    .every(
      ({ session, attempts, suspended }) =>
        session.state === 'locked' && attempts.size === 0 && suspended === undefined,
    )
}

/** The daemon as it is installed now, for an account without a service manager. */
export function startSuccessor(): void {
  const [program, ...args] = daemonCommand()
  // Its environment is ours: allow-listed already.
  const child = spawn(program, args, { cwd: '/', detached: true, stdio: 'ignore' })
  child.on('error', () => undefined)
  child.unref()
}
