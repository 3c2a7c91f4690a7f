import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listenAt } from '../../fixtures/datagram-ear.ts'
import { good, makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { repository, until } from '../../fixtures/terminal.ts'

const launcher = join(repository, 'bin', 'kubeguard')

async function ready(home: TestHome): Promise<number> {
  return until('a daemon', () => home.daemonPid(), { withinMs: 60_000 })
}

test.each([
  ['a path', (home: TestHome) => join(home.root, 'notify')],
  ['a name in the kernel', (home: TestHome) => `@${home.root}`],
])(
  'a manager at %s hears: ready, stopping; and nothing of a watchdog that it did not ask for',
  async (_what, at) => {
    await using home = makeHome()
    const address = at(home)
    const heard = await listenAt(address)
    home.start(launcher, ['daemon', 'run'], { NOTIFY_SOCKET: address })
    process.kill(await ready(home), 'SIGTERM')
    await until('the end', () => heard().some((message) => message.startsWith('STOPPING=1')), {
      withinMs: 60_000,
    })
    expect(heard()).toEqual(['READY=1\nSTATUS=ready', 'STOPPING=1\nSTATUS=locking every session'])
  },
)

test('the watchdog is off, on and pinged, and off again, as sessions open and lock', async () => {
  await using home = makeHome()
  const address = join(home.root, 'notify')
  const heard = await listenAt(address)
  home.start(launcher, ['daemon', 'run'], { NOTIFY_SOCKET: address, WATCHDOG_USEC: '30000000' })
  await ready(home)
  await home.init()
  expect(heard()).toEqual(['READY=1\nSTATUS=ready\nWATCHDOG_USEC=0'])
  await home.unlock()
  const pings = (): number => heard().filter((message) => message === 'WATCHDOG=1').length
  await until('a second ping', () => pings() > 1, { withinMs: 60_000 })
  await home.lock()
  await until('the last word', () => heard().at(-1) === 'WATCHDOG_USEC=0', { withinMs: 60_000 })
  expect(
    heard()
      .slice(1)
      .filter((message) => message !== 'WATCHDOG=1'),
  ).toEqual(['WATCHDOG_USEC=30000000', 'WATCHDOG_USEC=0'])
})

test('one that was asked to watch another process is not told', async () => {
  await using home = makeHome()
  const address = join(home.root, 'notify')
  const heard = await listenAt(address)
  const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }
  home.start(launcher, ['daemon', 'run'], env)
  await ready(home)
  await until('the word', () => heard().length > 0)
  expect(heard()).toEqual(['READY=1\nSTATUS=ready'])
})

test('a manager that hangs holds up nothing: its queue is full, and the daemon serves, locks and ends', async () => {
  await using home = makeHome()
  const address = join(home.root, 'notify')
  await listenAt(address, 'deaf')
  home.start(launcher, ['daemon', 'run'], { NOTIFY_SOCKET: address, WATCHDOG_USEC: '30000000' })
  await ready(home)
  await home.init()
  await home.unlock()
  await home.lock()
  good(await home.kubeguard(['daemon', 'stop']))
})

test.each([['/nowhere/at/all'], ['relative'], ['@'], ['vsock:2:1234'], [`/${'x'.repeat(200)}`]])(
  'a NOTIFY_SOCKET that leads nowhere is none: %s',
  async (address) => {
    await using home = makeHome()
    home.start(launcher, ['daemon', 'run'], { NOTIFY_SOCKET: address })
    await ready(home)
    good(await home.kubeguard(['daemon', 'stop']))
  },
)
