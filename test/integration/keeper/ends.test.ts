import { existsSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isRunning } from '../../fixtures/home.ts'
import { node, repository } from '../../fixtures/terminal.ts'
import { acceptFor, deadlinesIn, ended, item, KeeperHome, passphrase, unlocked } from './keeper-home.ts'
import { ask, giveTicket, hold } from './talk.ts'

const issue = async (keeper: Awaited<ReturnType<KeeperHome['start']>>) =>
  ask(keeper.socket, 'keeper.issue', { ticket: await giveTicket(keeper, 'issue', item.id), apiVersion: 'v1' })

describe('end()', () => {
  test('is quick, complete, and may be called twice', async () => {
    const home = await KeeperHome.make()
    const keeper = await unlocked(home)
    const exits: number[] = []
    keeper.onExit(() => exits.push(1))
    const client = await hold(keeper.socket)
    client.on('error', () => {})
    const begun = performance.now()
    await keeper.end()
    expect(performance.now() - begun).toBeLessThan(100)
    expect(home.leftOver()).toEqual([])
    await keeper.end()
    expect(exits).toEqual([1])
    await expect(keeper.live(deadlinesIn(1000))).rejects.toMatchObject({ code: 'internal' })
    await expect(giveTicket(keeper, 'issue', item.id)).rejects.toMatchObject({ code: 'internal' })
    client.destroy()
  })

  test('works on one that is stopped', async () => {
    const home = await KeeperHome.make()
    const keeper = await unlocked(home)
    process.kill(keeper.pid, 'SIGSTOP')
    await keeper.end()
    expect(home.leftOver()).toEqual([])
  })
})

describe('a keeper ends itself', () => {
  test('two seconds past its deadline, on either clock, and removes its socket', async () => {
    const home = await KeeperHome.make()
    const far = deadlinesIn(3_600_000)
    // Taken once the keeper is open, which may itself take seconds.
    const cases = [
      () => ({ deadlineBootMs: deadlinesIn(0).deadlineBootMs, lifetimeWallMs: far.lifetimeWallMs }),
      () => ({ deadlineBootMs: far.deadlineBootMs, lifetimeWallMs: deadlinesIn(0).lifetimeWallMs }),
    ]
    await Promise.all(
      cases.map(async (deadlines) => {
        const keeper = await unlocked(home)
        const begun = performance.now()
        await keeper.live(deadlines())
        await ended(keeper)
        expect(performance.now() - begun).toBeGreaterThan(1_500)
        // Long before it would have missed a heartbeat.
        expect(performance.now() - begun).toBeLessThan(15_000)
        expect(existsSync(keeper.socket)).toBe(false)
      }),
    )
  })

  test('a heartbeat moves the deadline', async () => {
    const home = await KeeperHome.make()
    const keeper = await unlocked(home, 500)
    await keeper.live(deadlinesIn(60_000))
    const watched = performance.now() + 3_500
    while (performance.now() < watched) {
      expect((await issue(keeper)).ok).toBe(true)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })

  test('20 s after the last heartbeat', { timeout: 40_000 }, async () => {
    const keeper = await unlocked(await KeeperHome.make(), 3_600_000)
    const begun = performance.now()
    await ended(keeper, 30_000)
    expect(performance.now() - begun).toBeGreaterThan(15_000)
    expect(performance.now() - begun).toBeLessThan(24_000)
  })

  test('when its line to the daemon closes, and on SIGTERM', async () => {
    const home = await KeeperHome.make()
    const keeper = await unlocked(home)
    process.kill(keeper.pid, 'SIGTERM')
    await ended(keeper)

    const daemon = spawn(node, [join(repository, 'test/integration/keeper/lone-daemon.ts')], {
      env: { ...process.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = await new Promise<number>((resolve) =>
      daemon.stdout.once('data', (line) => resolve(Number(line))),
    )
    expect(isRunning(pid)).toBe(true)
    daemon.kill('SIGKILL')
    await ended({ ...keeper, pid })
  })

  test('and lifetimes bound what it gives out', async () => {
    const home = await KeeperHome.make()
    const keeper = await home.start()
    keeper.onOpened(() => acceptFor(5_000))
    const ticket = await giveTicket(keeper, 'open')
    await ask(keeper.socket, 'keeper.open', { ticket, passphrase: Buffer.from(passphrase) })
    const said = await issue(keeper)
    if (!said.ok) throw new Error(said.code)
    const { status } = JSON.parse(String(said.reply.execCredential))
    expect(Date.parse(status.expirationTimestamp)).toBeLessThanOrEqual(Date.now() + 5_000)
  })
})
