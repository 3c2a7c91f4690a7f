import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readProcStat } from '../../../src/platform/processes/proc-stat.ts'
import type { Fetched, Keeper } from '../../../src/usecases/ports.ts'
import { node, until } from '../../fixtures/terminal.ts'
import { deadlinesIn, ended, item, KeeperHome, unlocked } from './keeper-home.ts'
import { ask, self } from './talk.ts'

const plugin = (socket: string, credential = item.id): string[] => [
  join(import.meta.dirname, 'fetch-as-plugin.ts'),
  socket,
  credential,
]

/** What a plugin gets whose client is this process; nothing else happens here meanwhile. */
function fetchAsOwnPlugin({ socket }: Keeper, credential?: string): string {
  return spawnSync(node, plugin(socket, credential), { encoding: 'utf8' }).stdout.trim()
}

/** The same below a client that is a shell's child: a Python of its own. */
function fetchAsOthersPlugin({ socket }: Keeper): string {
  const script = `import subprocess; print(subprocess.run(${JSON.stringify([node, ...plugin(socket)])}, capture_output=True, text=True).stdout)`
  return spawnSync('python3', ['-c', script], { encoding: 'utf8' }).stdout.trim()
}

const voucher = () => ({ client: self(), credential: item.id })
const nobody = 'nobody vouched'

function hearFetched(keeper: Keeper): Fetched[] {
  const heard: Fetched[] = []
  keeper.onFetched((fetched) => heard.push(fetched))
  return heard
}

describe('a client that is vouched for', () => {
  test('has its credential by its own plugin, once; the daemon hears of it', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    const heard = hearFetched(keeper)
    expect(fetchAsOwnPlugin(keeper)).toBe(nobody)
    keeper.vouch(voucher())
    expect(fetchAsOthersPlugin(keeper)).toBe(nobody)
    expect(fetchAsOwnPlugin(keeper, 'prod.bob-0011aabb')).toBe(nobody)
    expect(fetchAsOwnPlugin(keeper)).toContain('token-of-alice')
    expect(fetchAsOwnPlugin(keeper)).toBe(nobody)
    await until('the daemon to hear of it', () => heard.length > 0)
    expect(heard).toEqual([{ ...voucher(), program: 'node' }])
  })

  test('does not fetch it itself, nor for another’s plugin, nor under a recycled pid', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    keeper.vouch(voucher())
    const said = await ask(keeper.socket, 'keeper.fetch', { credential: item.id, apiVersion: 'v1' })
    expect(said).toEqual({ ok: true, reply: {} })
    expect(fetchAsOthersPlugin(keeper)).toBe(nobody)
    expect(fetchAsOwnPlugin(keeper)).toContain('token-of-alice')
    keeper.vouch({ client: { ...self(), startTicks: self().startTicks - 1 }, credential: item.id })
    expect(fetchAsOwnPlugin(keeper)).toBe(nobody)
  })

  test('is told nothing of a credential that is not there, and the daemon neither', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    const heard = hearFetched(keeper)
    keeper.vouch({ client: self(), credential: 'prod.bob-0011aabb' })
    expect(fetchAsOwnPlugin(keeper, 'prod.bob-0011aabb')).toBe('credential-unknown')
    keeper.vouch(voucher())
    expect(fetchAsOwnPlugin(keeper)).toContain('token-of-alice')
    await until('the daemon to hear of one', () => heard.length > 0)
    expect(heard).toMatchObject([{ credential: item.id }])
  })

  test('comes too late: after the session was narrowed, for good', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    keeper.vouch(voucher())
    const hold = { process: self(), kind: 'hold', forMs: 60_000, since: undefined } as const
    await keeper.narrow([hold])
    expect(fetchAsOwnPlugin(keeper)).toBe(nobody)
    keeper.vouch(voucher())
    expect(fetchAsOwnPlugin(keeper)).toBe(nobody)
  })

  test('comes too late: past the deadline, though the keeper still waits for the daemon to lock', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    keeper.vouch(voucher())
    // On a slow machine it may have ended by itself by then.
    await keeper.live({ ...deadlinesIn(60_000), deadlineBootMs: deadlinesIn(-1).deadlineBootMs })
    expect([nobody, 'closed']).toContain(fetchAsOwnPlugin(keeper))
  })

  test('comes too late: past the lifetime', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    keeper.vouch(voucher())
    await keeper.live({ ...deadlinesIn(60_000), lifetimeWallMs: Date.now() - 1 })
    expect([nobody, 'closed']).toContain(fetchAsOwnPlugin(keeper))
  })

  test('before the vault is open has nothing', async () => {
    const keeper = await (await KeeperHome.make()).start()
    keeper.vouch(voucher())
    expect(fetchAsOwnPlugin(keeper)).toBe(nobody)
  })
})

test('what was given out just before the keeper was ended is heard of all the same', async () => {
  const keeper = await unlocked(await KeeperHome.make())
  const heard = hearFetched(keeper)
  keeper.vouch(voucher())
  expect(fetchAsOwnPlugin(keeper)).toContain('token-of-alice')
  expect(heard).toEqual([])
  process.kill(keeper.pid, 'SIGKILL')
  // It is dead before this process looks up again: its end and its last words are there to be read at once.
  const endsAt = performance.now() + 10_000
  while (readProcStat(keeper.pid)?.state !== 'Z' && performance.now() < endsAt);
  await keeper.end()
  await until('its last words', () => heard.length > 0)
})

describe('the name of an open session', () => {
  test('is there while it is open, as closed as the socket, and goes with it', async () => {
    const home = await KeeperHome.make()
    const name = join(home.keepersDir, 'prod.open')
    const waiting = await home.start()
    expect(existsSync(name)).toBe(false)
    const keeper = await unlocked(home)
    expect(statSync(name).ino).toBe(statSync(keeper.socket).ino)
    expect(lstatSync(name).mode & 0o777).toBe(0o600)
    await waiting.end()
    expect(existsSync(name)).toBe(true)
    await keeper.end()
    expect(readdirSync(home.keepersDir)).toEqual([])
  })

  test('goes with a keeper that ends by itself', async () => {
    const home = await KeeperHome.make()
    const keeper = await unlocked(home)
    await keeper.live(deadlinesIn(-2_000))
    await ended(keeper)
    await until('its names to be gone', () => readdirSync(home.keepersDir).length === 0)
  })

  test('leads to the newer of two, whichever ends', async () => {
    const home = await KeeperHome.make()
    const name = join(home.keepersDir, 'prod.open')
    const older = await unlocked(home)
    const newer = await unlocked(home)
    await older.end()
    expect(statSync(name).ino).toBe(statSync(newer.socket).ino)
  })

  test('is not taken by a keeper with another job', async () => {
    const home = await KeeperHome.make()
    const keeper = await home.start({ mode: 'rewrap' })
    expect(keeper.pid).toBeGreaterThan(0)
    expect(readdirSync(home.keepersDir).filter((entry) => entry.endsWith('.open'))).toEqual([])
  })
})
