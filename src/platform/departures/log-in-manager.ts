import type { Departure } from '../../domain/departure.ts'
import { Bus } from './bus.ts'
import type { Signal } from './bus.ts'

/** systemd-logind, or elogind: org.freedesktop.login1(5). */
const logind = 'org.freedesktop.login1'
const manager = `${logind}.Manager`
const sessionType = `${logind}.Session`
const root = '/org/freedesktop/login1'

const fromLogind = `type='signal',sender='${logind}'`
const rules = [
  ...['PrepareForSleep', 'SessionRemoved', 'UserRemoved'].map(
    (member) => `${fromLogind},path='${root}',interface='${manager}',member='${member}'`,
  ),
  `${fromLogind},interface='${sessionType}',member='Lock'`,
  `${fromLogind},interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='${sessionType}',path_namespace='${root}/session'`,
]

/** States of a user without a log-in session: gone but for processes left behind, or kept up without one (sd_uid_get_state(3)). */
const loggedOut: readonly unknown[] = ['closing', 'lingering']

export interface LogInManagerOptions {
  readonly socket: string
  readonly uid: number
  readonly onDeparture: (departure: Departure) => void
  readonly onGone: () => void
}

/** What the log-in manager tells of this account, and of the machine's sleep. */
export class LogInManager {
  readonly #options: LogInManagerOptions
  #bus: Bus | undefined
  #owner = ''
  #isLoggedIn = false

  private constructor(options: LogInManagerOptions) {
    this.#options = options
  }

  /** @throws Error where there is no bus, or no log-in manager on it */
  static async connect(options: LogInManagerOptions): Promise<LogInManager> {
    const found = new LogInManager(options)
    found.#bus = await Bus.connect({
      socket: options.socket,
      rules,
      onSignal: (signal) => void found.#hear(signal),
      onGone: options.onGone,
    })
    try {
      await found.#begin(found.#bus)
    } catch (error) {
      found.close()
      throw error
    }
    return found
  }

  /**
   * Has the last log-in session ended? A session that leaves processes behind is not removed, and nothing is said of its
   * end, so that it has to be asked for (`session_stop_scope` in systemd's src/login/logind-session.c).
   */
  async lookForSessions(): Promise<void> {
    const before = this.#isLoggedIn
    this.#isLoggedIn = await this.#hasSession()
    if (before && !this.#isLoggedIn) this.#options.onDeparture('logout')
  }

  /** Is the screen of any session of this account locked, as its desktop has said? Undefined where none has a screen. */
  async isScreenLocked(): Promise<boolean | undefined> {
    const sessions = await this.#list('ListSessions')
    const own = sessions.filter(([, uid, , seat]) => uid === this.#options.uid && seat !== '')
    if (own.length === 0) return undefined
    const hints = await Promise.all(
      own.map(([, , , , path]) => this.#sessionProperty(String(path), 'LockedHint')),
    )
    return hints.includes(true)
  }

  close(): void {
    this.#bus?.close()
    this.#bus = undefined
  }

  async #begin(bus: Bus): Promise<void> {
    this.#owner = await bus.ownerOf(logind)
    this.#isLoggedIn = await this.#hasSession()
    // Sleep may have begun while this was set up.
    if ((await bus.property(logind, root, manager, 'PreparingForSleep')) === true)
      this.#options.onDeparture('suspend')
  }

  async #hear(signal: Signal): Promise<void> {
    try {
      if (await this.#isFromLogind(signal)) await this.#obey(signal)
    } catch {
      // The log-in manager went away in the midst: the connection, or the next look, tells.
    }
  }

  /** Anybody on the bus may send a signal to one connection alone, past every rule of its own. */
  async #isFromLogind({ sender }: Signal): Promise<boolean> {
    if (sender !== this.#owner) this.#owner = (await this.#bus?.ownerOf(logind)) ?? ''
    return sender === this.#owner
  }

  async #obey({ member, path, body }: Signal): Promise<void> {
    switch (member) {
      case 'PrepareForSleep':
        if (body[0] === true) this.#options.onDeparture('suspend')
        return
      case 'SessionRemoved':
      case 'UserRemoved':
        return this.lookForSessions()
      case 'Lock':
        return this.#screenLocked(path)
      case 'PropertiesChanged':
        if ((body[1] as { LockedHint?: unknown } | undefined)?.LockedHint === true)
          await this.#screenLocked(path)
    }
  }

  async #screenLocked(path: string): Promise<void> {
    const [uid] = (await this.#sessionProperty(path, 'User')) as [number, string]
    if (uid === this.#options.uid) this.#options.onDeparture('screen-lock')
  }

  async #sessionProperty(path: string, name: string): Promise<unknown> {
    return this.#bus?.property(logind, path, sessionType, name)
  }

  async #hasSession(): Promise<boolean> {
    const users = await this.#list('ListUsers')
    const own = users.find(([uid]) => uid === this.#options.uid)
    if (own === undefined) return false
    const state = await this.#bus?.property(logind, String(own[2]), `${logind}.User`, 'State')
    return !loggedOut.includes(state)
  }

  async #list(member: 'ListUsers' | 'ListSessions'): Promise<readonly (readonly unknown[])[]> {
    const answer = await this.#bus?.call({ destination: logind, path: root, interface: manager, member })
    return (answer ?? []) as readonly (readonly unknown[])[]
  }
}
