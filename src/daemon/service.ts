import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { places } from '../platform/dirs.ts'
import type { Dirs } from '../platform/dirs.ts'
import { forgetServiceEnvironment } from '../platform/service/environment.ts'
import { takeHandedSocket } from '../platform/service/handed-socket.ts'
import { notify } from '../platform/service/notify.ts'
import type { Alarm, Log } from '../usecases/ports.ts'

/** The most that a ping may be late, as the unit has it: four heartbeats and some. */
const silenceUs = 30_000_000

/** Deadlines are looked at every 5 s while a session is open; more than one ping in this time says nothing new. */
const pingPauseMs = 2_000

/** Whoever rang while another daemon was running has been let go by then, and finds it. */
const standAsideMs = 200

/** A manager's queue of datagrams that is full gets empty, or the manager hangs and nothing helps. */
const readyTries = 50
const readyPauseMs = 100

/**
 * This daemon as a service manager's: by socket activation (sd_listen_fds(3)), notices (sd_notify(3)) and watchdog. Where
 * nobody manages it, all of it does nothing.
 */
export class Service {
  /** Did a service manager start it? */
  readonly isManaged: boolean
  readonly #address: string | undefined
  readonly #bell: number | undefined
  readonly #isWatched: boolean
  #log: Pick<Log, 'warn'> | undefined
  #isOpen = false
  #pingedAtMs = -Infinity

  /** @throws GuardError `place-unsafe` for a socket that can't be ours. */
  constructor(found: Dirs, environment: NodeJS.ProcessEnv = process.env) {
    const { NOTIFY_SOCKET: address, WATCHDOG_USEC: watchdog = '', WATCHDOG_PID: watched } = environment
    this.#address = address
    this.#isWatched = watchdog !== '' && (watched === undefined || watched === String(process.pid))
    try {
      this.#bell = takeHandedSocket(environment, process.pid, places.bell(found))
    } finally {
      forgetServiceEnvironment(environment)
    }
    this.isManaged = address !== undefined || this.#bell !== undefined
  }

  /** Clients can come. Those who rang are let go, and find the daemon as any other. */
  async ready(log: Pick<Log, 'warn'>): Promise<void> {
    this.#log = log
    this.#answerBell()
    // No watchdog while everything is locked: a ping would be a wake-up.
    const lines = ['READY=1', 'STATUS=ready', ...(this.#isWatched && !this.#isOpen ? [watchdogOf(0)] : [])]
    await this.#insist(lines)
  }

  /** Another daemon of this account runs: no failure, and no reason to start this one again. */
  async standAside(): Promise<void> {
    const server = this.#answerBell()
    await this.#insist(['READY=1', 'STATUS=another daemon of this account is running'])
    if (server !== undefined) await pause(standAsideMs)
    this.#tell('STOPPING=1')
  }

  stopping(): void {
    this.#tell('STOPPING=1', 'STATUS=locking every session')
  }

  /**
   * An alarm that a watchdog hears of: it is set at least every 5 s while a session is open, and to nothing when all are
   * locked. So who hangs with an open session is ended, and who is locked is let sleep.
   */
  watched(alarm: Alarm): Alarm {
    if (!this.#isWatched) return alarm
    return {
      set: (atBootMs) => {
        this.#ping(atBootMs !== undefined)
        alarm.set(atBootMs)
      },
    }
  }

  #ping(isOpen: boolean): void {
    const now = performance.now()
    if (isOpen !== this.#isOpen) {
      this.#isOpen = isOpen
      this.#tell(watchdogOf(isOpen ? silenceUs : 0))
    }
    if (!isOpen || now - this.#pingedAtMs < pingPauseMs) return
    this.#pingedAtMs = now
    this.#tell('WATCHDOG=1')
  }

  /** Who connects there wants a daemon started, and says nothing: there is one. */
  #answerBell(): Server | undefined {
    if (this.#bell === undefined) return undefined
    const server = createServer((socket) => socket.on('error', () => undefined).destroy())
    server.on('error', (error) => this.#log?.warn('the bell failed', { error: error.message }))
    return server.listen({ fd: this.#bell })
  }

  /** What a manager must hear, or it takes the start for failed. */
  async #insist(lines: readonly string[]): Promise<void> {
    for (let left = readyTries; left > 0; left -= 1) {
      if (notify(this.#address, ...lines) !== 'EAGAIN') return
      await pause(readyPauseMs)
    }
    this.#log?.warn('the service manager does not read what it is told', { told: 'READY=1' })
  }

  #tell(...lines: readonly string[]): void {
    const failure = notify(this.#address, ...lines)
    if (failure !== undefined)
      this.#log?.warn('the service manager can’t be told', { told: lines[0] ?? '', failure })
  }
}

const watchdogOf = (microseconds: number): string => `WATCHDOG_USEC=${microseconds}`
