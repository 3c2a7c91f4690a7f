import { existsSync } from 'node:fs'
import type { Departure } from '../../domain/departure.ts'
import type { DepartureWatch, Log } from '../../usecases/ports.ts'
import type { Bus } from './bus.ts'
import { delaySleep } from './delay-sleep.ts'
import type { DelayedSleep } from './delay-sleep.ts'
import { LogInManager } from './log-in-manager.ts'
import { listenToScreenSavers } from './screen-savers.ts'

/** Fixed places, not what the environment says: whoever starts the daemon must not choose whom it believes. */
const systemBus = '/run/dbus/system_bus_socket'
const sessionBus = (uid: number): string => `/run/user/${uid}/bus`

/** Heartbeats between two looks at what nobody tells of by itself, and two tries at a bus that is not there: 15 s. */
const looksBetween = 3

interface Options {
  /** Resolves when what has to lock is locked. */
  readonly seen: (departure: Departure) => Promise<void>
  readonly log: Log
}

/** Listens to the log-in manager on the system's bus, and to screen lockers on the account's own. */
export function createDepartureWatch(options: Options): DepartureWatch {
  return new BusWatch(options)
}

class BusWatch implements DepartureWatch {
  readonly #options: Options
  readonly #uid = process.getuid?.() ?? 0
  #wanted = { listens: false, delaysSleep: false }
  #logIns: LogInManager | undefined
  #screens: Bus | undefined
  #delay: DelayedSleep | undefined
  /** One connect at a time. */
  #isConnecting = false
  #looks = 0
  #toldOf = ''

  constructor(options: Options) {
    this.#options = options
  }

  set(wanted: { listens: boolean; delaysSleep: boolean }): void {
    const { listens, delaysSleep } = this.#wanted
    if (listens === wanted.listens && delaysSleep === wanted.delaysSleep) return
    this.#wanted = wanted
    if (!wanted.delaysSleep) this.#release()
    if (wanted.listens) this.#connect()
    else this.#close()
  }

  look(): void {
    if (!this.#wanted.listens) return
    this.#looks += 1
    if (this.#looks % looksBetween !== 0) return
    this.#connect()
    this.#logIns?.lookForSessions().catch(() => this.#lost())
  }

  #connect(): void {
    if (this.#isConnecting) {
      this.#delaySleep()
      return
    }
    this.#isConnecting = true
    void this.#connectAll().finally(() => {
      this.#isConnecting = false
      if (!this.#wanted.listens) this.#close()
    })
  }

  async #connectAll(): Promise<void> {
    const { log } = this.#options
    if (this.#logIns === undefined && existsSync(systemBus)) {
      try {
        this.#logIns = await LogInManager.connect({
          socket: systemBus,
          uid: this.#uid,
          onDeparture: (departure) => void this.#depart(departure),
          onGone: () => this.#lost(),
        })
        this.#toldOf = ''
      } catch (error) {
        this.#tell('the log-in manager can’t be asked', error)
      }
    }
    if (this.#screens === undefined && existsSync(sessionBus(this.#uid))) {
      this.#screens = await listenToScreenSavers({
        socket: sessionBus(this.#uid),
        onActive: (mayBeBlank) => void this.#screenActive(mayBeBlank),
        onGone: () => (this.#screens = undefined),
      }).catch((error: unknown) => {
        log.warn('the account’s bus can’t be listened to', { error: String(error) })
        return undefined
      })
    }
    this.#delaySleep()
  }

  /** Only where somebody tells that sleep begins: else nothing would let go of the lock in time. */
  #delaySleep(): void {
    if (this.#delay !== undefined || this.#logIns === undefined || !this.#wanted.delaysSleep) return
    this.#delay = delaySleep(() => {
      this.#delay = undefined
      this.#tell('sleep can’t be delayed', 'systemd-inhibit ended')
    })
  }

  async #depart(departure: Departure): Promise<void> {
    await this.#options.seen(departure)
    if (departure === 'suspend') this.#release()
  }

  async #screenActive(mayBeBlank: boolean): Promise<void> {
    const isLocked = mayBeBlank ? await this.#logIns?.isScreenLocked().catch(() => undefined) : true
    // Where the log-in manager says that it is not locked it will say when it is.
    if (isLocked !== false) await this.#depart('screen-lock')
  }

  /** Once for each thing that is wrong, not with each try. */
  #tell(what: string, error: unknown): void {
    if (this.#toldOf === what) return
    this.#toldOf = what
    this.#options.log.warn(what, { error: String(error) })
  }

  #lost(): void {
    this.#logIns?.close()
    this.#logIns = undefined
    this.#release()
    this.#tell('the log-in manager went away', 'its bus closed the connection')
  }

  #release(): void {
    this.#delay?.release()
    this.#delay = undefined
  }

  #close(): void {
    this.#release()
    this.#logIns?.close()
    this.#logIns = undefined
    this.#screens?.close()
    this.#screens = undefined
  }
}
