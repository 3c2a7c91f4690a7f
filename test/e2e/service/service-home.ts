import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { unprivilegedAccounts } from '../../fixtures/accounts.ts'
import { good, makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { UserManager } from '../../fixtures/user-manager.ts'

/** A systemd of another account can be had by root alone. */
export const isRoot = process.getuid?.() === 0

export interface ServiceHome {
  readonly home: TestHome
  readonly manager: UserManager
}

/**
 * An account with a systemd of its own, and an installation that does not know it yet.
 * @param prepare is given the account's number and home before anything of it runs.
 */
export async function homeWithManager(prepare?: (uid: number, folder: string) => void): Promise<ServiceHome> {
  const { own } = unprivilegedAccounts()
  if (own === undefined) throw new Error('run this as root: it makes a throw-away account')
  const home = makeHome({ account: own })
  onTestFinished(() => home.dispose())
  prepare?.(own.uid, home.home)
  const manager = await UserManager.start(home)
  onTestFinished(() => manager[Symbol.asyncDispose]())
  return { home, manager }
}

/** The same, with an adopted playground, and the service installed. */
export async function homeWithService(): Promise<ServiceHome> {
  const found = await homeWithManager()
  await found.home.startPlayground()
  await found.home.init()
  good(await found.manager.kubeguard(['service', 'install']))
  return found
}

export const unitPath = (home: TestHome, name = 'kubeguard.service'): string =>
  join(home.home, '.config', 'systemd', 'user', name)

interface Daemon {
  readonly pid: number
  readonly version: string
  readonly byService: boolean
}

/** The daemon that runs; undefined where none does. */
export async function daemonIn(home: TestHome): Promise<Daemon | undefined> {
  const { code, stdout } = await home.kubeguard(['daemon', 'status', '--json'])
  return code === 0 ? (JSON.parse(stdout) as Daemon) : undefined
}
