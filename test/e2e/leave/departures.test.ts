import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { environmentOf, isRunning } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { expectLock, expectOpen, groundForAll, isRoot, openAndListen } from './leaving-home.ts'

/** Processes of this home whose command line holds this. */
function processesOf({ guardHome }: TestHome, part: string): number[] {
  const commandOf = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
    } catch {
      return ''
    }
  }
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && commandOf(entry).includes(part))
    .filter((pid) => environmentOf(pid).includes(`KUBEGUARD_HOME=${guardHome}`))
    .map(Number)
}

/** Children of the daemon that delay sleep: their environment is not ours. */
function delayersOf(daemon: number): string {
  const children = readFileSync(`/proc/${daemon}/task/${daemon}/children`, 'utf8').trim().split(' ')
  return children
    .filter(Boolean)
    .map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1'))
    .filter((command) => command.includes('systemd-inhibit'))
    .join()
}

describe.runIf(isRoot)('a session is locked when its person leaves', () => {
  const ground = groundForAll({ buses: true, rules: { idle: '20m' } })
  const own = '/org/freedesktop/login1/session/c1'

  beforeAll(async () => {
    await ground.machine.logIn('c1')
  })

  test('the machine sleeps: not before keeper and streams are gone', async () => {
    const { home, machine } = ground
    await openAndListen(ground)
    const [keeper] = processesOf(home, 'keeper.cjs')
    const stream = home.start('/usr/bin/env', ['kubectl', 'exec', 'web-0', '--', 'sleep', '600'])
    await until('the stream', async () => (await home.kubeguard(['ps'])).stdout.includes('exec'))
    await machine.signal('PrepareForSleep', 'b', 'true')
    await until('sleep to wait no longer', async () => !(await machine.inhibitors()).includes('"kubeguard"'))
    expect(keeper).toBeDefined()
    expect(isRunning(keeper ?? 0)).toBe(false)
    expect(isRunning(stream)).toBe(false)
    await expectLock(ground, 'suspend')
    const { code, stderr } = await home.kubectl(['get', 'pods'])
    expect({ code, stderr }).toMatchObject({ code: 77, stderr: expect.stringContaining('the machine slept') })
  })

  test('while everything is locked nothing listens, and nothing keeps the machine awake', async () => {
    const { home, machine } = ground
    await home.lock()
    const daemon = (await home.daemonPid()) ?? 0
    await until('the end of what delays sleep', () => delayersOf(daemon) === '')
    expect(await machine.inhibitors()).not.toContain('kubeguard')
    await openAndListen(ground)
    expect(delayersOf(daemon)).toContain('systemd-inhibit')
    await home.lock()
    await until('the end of what delays sleep', () => delayersOf(daemon) === '')
  })

  test.each(['Lock', 'SetLockedHint'])('the screen is locked: %s', async (member) => {
    const { machine } = ground
    await openAndListen(ground)
    await machine.session(own, member, ...(member === 'Lock' ? [] : ['b', 'true']))
    await expectLock(ground, 'screen-lock')
    await machine.session(own, 'SetLockedHint', 'b', 'false')
  })

  test('a locker says so on the account’s bus', async () => {
    await openAndListen(ground)
    const active = ['emit', '/ScreenSaver', 'org.freedesktop.ScreenSaver', 'ActiveChanged', 'b']
    await ground.machine.onSessionBus(...active, 'false')
    await expectOpen(ground)
    await ground.machine.onSessionBus(...active, 'true')
    await expectLock(ground, 'screen-lock')
  })

  const shield = ['/', 'org.gnome.ScreenSaver', 'ActiveChanged', 'b']

  test('under GNOME’s name by another program, which tells no log-in manager', async () => {
    await openAndListen(ground)
    await ground.machine.onSessionBus('emit', ...shield, 'true')
    await expectLock(ground, 'screen-lock')
  })

  test('the screen of another account, and one that is idle or only dark, are nothing', async () => {
    const { machine } = ground
    await openAndListen(ground)
    const others = await machine.logIn('c9', 0)
    await machine.session(others, 'Lock')
    await machine.session(others, 'SetLockedHint', 'b', 'true')
    await machine.session(own, 'SetIdleHint', 'b', 'true')
    await machine.onSessionBus('emit', ...shield, 'false')
    await machine.gnomeShell()
    await machine.onSessionBus('emit', ...shield, 'true')
    await ground.home.kubectl(['get', 'pods'])
    await expectOpen(ground)
    // What it says next, when its shield locks.
    await machine.session(own, 'SetLockedHint', 'b', 'true')
    await expectLock(ground, 'screen-lock')
    await machine.session(own, 'SetLockedHint', 'b', 'false')
  })

  test('the bus goes away: the daemon stays, and so does the session, until its limits', async () => {
    const { home, machine } = ground
    await openAndListen(ground)
    const daemon = await home.daemonPid()
    await machine.stopSystemBus()
    await until('the end of what delays sleep', () => delayersOf(daemon ?? 0) === '')
    await expectOpen(ground)
    expect(await home.daemonPid()).toBe(daemon)
    await machine.startSystemBus()
    await machine.logIn('c1')
    await until('sleep to wait again', async () => (await machine.inhibitors()).includes('"kubeguard"'), {
      withinMs: 90_000,
    })
    await machine.signal('PrepareForSleep', 'b', 'true')
    await expectLock(ground, 'suspend')
  })

  test('the last log-in session ends, and not another one', async () => {
    const { machine } = ground
    await openAndListen(ground)
    await machine.logIn('c2')
    await machine.signal('SessionRemoved', 'so', 'c2', '/org/freedesktop/login1/session/c2')
    await ground.home.kubectl(['get', 'pods'])
    await expectOpen(ground)
    await machine.logOut('c1', 'removed')
    await expectLock(ground, 'logout')
  })

  test('a log-out that leaves processes behind, of which nobody tells', async () => {
    const { machine } = ground
    await machine.logIn('c3')
    await machine.userIs('active')
    await openAndListen(ground)
    await machine.logOut('c3', 'left behind')
    await expectLock(ground, 'logout')
  })
})
