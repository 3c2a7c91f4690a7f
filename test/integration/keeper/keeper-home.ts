import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createClock } from '../../../src/platform/clock.ts'
import { dirs, places } from '../../../src/platform/dirs.ts'
import { createKeepers } from '../../../src/platform/keepers/create-keepers.ts'
import { createVaults } from '../../../src/platform/vault/create-vault.ts'
import { sealPending } from '../../../src/platform/vault/seal-pending.ts'
import type { VaultItem } from '../../../src/platform/vault/item.ts'
import type { Keeper, KeeperOrder, Log, Opened, OpenedAnswer } from '../../../src/usecases/ports.ts'
import { isRunning } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { ask, giveTicket } from './talk.ts'
import type { Said } from './talk.ts'

export const passphrase = 'correct horse'

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} }

export const item: VaultItem = {
  id: 'prod.alice-0011aabb',
  policy: 'prod',
  file: '/home/alice/.kube/config',
  user: 'alice',
  contexts: ['prod'],
  token: 'token-of-alice',
  original: {},
  adoptedAtMs: 1_700_000_000_000,
}

/** A kubeguard home with one cheap vault, and the daemon's side of keepers in this process. */
export class KeeperHome {
  readonly root: string
  readonly vaultsDir: string
  readonly keepersDir: string
  readonly keepers = createKeepers({ log: silent })
  readonly #started: Keeper[] = []

  private constructor(root: string) {
    this.root = root
    const found = dirs({ KUBEGUARD_HOME: root })
    this.vaultsDir = places.vaults(found)
    this.keepersDir = places.keepers(found)
  }

  /** Gone with the test, and everything that it started with it. */
  static async make({ empty = false } = {}): Promise<KeeperHome> {
    const root = mkdtempSync(join(tmpdir(), 'kg-'))
    process.env['KUBEGUARD_HOME'] = root
    const home = new KeeperHome(root)
    onTestFinished(async () => {
      await Promise.all(home.#started.map((keeper) => keeper.end()))
      const left = home.leftOver()
      if (left.length > 0) throw new Error(`left over: ${left.join(', ')}`)
      rmSync(root, { recursive: true, force: true })
    })
    await createVaults({
      vaultsDir: home.vaultsDir,
      policies: ['prod'],
      passphrase: Buffer.from(passphrase),
      logN: 12,
    })
    if (!empty) await sealPending(home.vaultsDir, item)
    return home
  }

  async start(order: Partial<KeeperOrder> = {}): Promise<Keeper> {
    const whole = {
      mode: 'unlock',
      policies: ['prod'],
      generation: 7,
      paths: [],
      users: [],
      ...order,
    } as const
    const keeper = await this.keepers.start(whole)
    this.#started.push(keeper)
    return keeper
  }

  /** Sockets and processes of keepers that should be gone. */
  leftOver(): string[] {
    const sockets = existsSync(this.keepersDir) ? readdirSync(this.keepersDir) : []
    const processes = this.#started.filter(({ pid }) => isRunning(pid)).map(({ pid }) => `process ${pid}`)
    return [...sockets, ...processes]
  }
}

/** What the daemon answers to an unlock that it accepts. */
export function acceptFor(ms: number): OpenedAnswer {
  return { accepted: true, ...deadlinesIn(ms), idleMs: ms, untilWallMs: Date.now() + ms }
}

export function deadlinesIn(ms: number): { deadlineBootMs: number; lifetimeWallMs: number } {
  return { deadlineBootMs: createClock().now().bootMs + ms, lifetimeWallMs: Date.now() + ms }
}

export const openWith = async (keeper: Keeper, attempt: string): Promise<Said<'keeper.open'>> =>
  ask(keeper.socket, 'keeper.open', {
    ticket: await giveTicket(keeper, 'open'),
    passphrase: Buffer.from(attempt),
  })

/** Starts a keeper and opens it; the session lasts for `ms`. */
export async function unlocked(home: KeeperHome, ms = 60_000): Promise<Keeper> {
  const keeper = await home.start()
  keeper.onOpened(() => acceptFor(ms))
  const said = await openWith(keeper, passphrase)
  if (!said.ok) throw new Error(`not opened: ${said.code}`)
  return keeper
}

export const ended = (keeper: Keeper, withinMs = 10_000): Promise<boolean> =>
  until('the end of the keeper', () => !isRunning(keeper.pid), { withinMs })

/** Answers as told, and keeps what it was told. */
export function listen(keeper: Keeper, answer: OpenedAnswer): Opened[] {
  const heard: Opened[] = []
  keeper.onOpened((opened) => {
    heard.push(opened)
    return answer
  })
  return heard
}
