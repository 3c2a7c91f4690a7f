import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { isRunning, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { Screen } from '../../fixtures/screen.ts'
import { until } from '../../fixtures/terminal.ts'
import { screensOf, settled } from './screens.ts'
import { familyIn, pidsIn, unlockedHome } from './shell.ts'

const suspends = '    live: suspend\n'

const isSupervisor = (exe: string): boolean => exe.endsWith('/kubeguard-supervisor')

/** One for all of them: each begins with an unlock, and leaves no stream. */
let home: TestHome

beforeAll(async () => {
  home = await unlockedHome('10m', '1s', suspends)
})

afterAll(() => home.dispose())

beforeEach(async () => {
  writePolicy(home, { idle: '10m', more: suspends })
  await until('the end of the last stream', () => pidsIn(home, isSupervisor).length === 0)
  await home.unlock('default')
})

const inPod = (...command: string[]): Screen =>
  new Screen('/usr/bin/env', ['kubectl', 'exec', '-it', 'web-0', '--', ...command], home.env, home.home)

const isCovered = ({ text }: Screen): boolean => text.includes('press Enter to unlock')
const shows =
  (what: string) =>
  ({ text }: Screen): boolean =>
    text.includes(what)

const found = (pids: number[]): number[] | undefined => (pids.length === 0 ? undefined : pids)

async function cover(screen: Screen): Promise<void> {
  await home.lock('default')
  await screen.until('the lock screen', isCovered)
}

/** A full screen as programs draw it: both screens, colours, cursor, mouse, paste, keypad, a region that scrolls. */
const drawn = [
  'main \x1b[31mred\x1b[0m\r\n',
  '\x1b[?1049h\x1b[44m\x1b[2J\x1b[H\x1b[1;33mtitle\x1b[0m',
  '\x1b[5;10H\x1b[7mstatus\x1b[27m \x1b[38;2;10;20;30mtrue\x1b[m',
  '\x1b[2;20r\x1b[?1h\x1b=\x1b[?1002h\x1b[?1006h\x1b[?2004h\x1b[?25l\x1b[12;34H\x1b[4;36m',
].join('')

test('a lock covers it, and an unlock on the lock screen brings the exact screen back', async () => {
  using screen = inPod('sh', '-c', `echo '${drawn}'; sleep 600`)
  await screen.until('the program', shows('status'))
  const before = await settled(screen)
  await cover(screen)
  expect(screen.text).toMatch(/kubeguard: default is locked since \d\d:\d\d \(locked by you\)/)
  expect(screen.text).toMatch(/kubectl exec web-0 goes on unseen until \d\d:\d\d; then it is ended/)
  expect(screen.text).not.toContain('status')
  screen.type('not for the program\r')
  await screen.asks('passphrase for default')
  // Ctrl-C, and what is wrong, leave it locked.
  screen.type('\x03')
  await screen.until('that it was cancelled', ({ text }) =>
    /cancelled[^]*press Enter to try again/.test(text),
  )
  screen.type('\r')
  await screen.until('the question anew', ({ text }) => /passphrase for default:\s*$/.test(text))
  screen.type(`${passphrase}\r`)
  await screen.until('the exact screen', ({ state }) => state === before)
  const { stdout } = await home.kubeguard(['log', '--json'])
  expect(stdout).toContain('"suspended"')
  expect(stdout).toContain('"resumed"')
})

test('what it writes meanwhile is there afterwards, in the size that the terminal has then; no key got through', async () => {
  using screen = inPod('sh')
  await screen.until('a prompt', shows('$ '))
  screen.type('sleep 2; seq 1 60; echo la""st\n')
  await screen.until('the command', shows('seq 1 60'))
  await cover(screen)
  screen.type('echo in""truder\x1b[A\x03\x1a')
  screen.resize(90, 20)
  await until('it to have gone on', async () => {
    const { stdout } = await home.kubeguard(['ps', '--json'])
    const { clients } = JSON.parse(stdout) as { clients: { outputBytes?: number; fate?: string }[] }
    return clients[0]?.fate === 'suspended' && (clients[0].outputBytes ?? 0) > 200
  })
  // Not anywhere: the lock screen names the time.
  expect(screen.text).not.toMatch(/^59$/m)
  // Anywhere for that policy.
  await home.unlock('default')
  await screen.until('the end of it', ({ text }) => /\n60\nlast\n.*\$ *$/.test(text))
  // All of it, though it is more than a screen: the rest scrolled out.
  expect(screen.text).toMatch(new RegExp(Array.from({ length: 60 }, (_, at) => String(at + 1)).join('\\n')))
  expect(screen.text).not.toContain('intruder')
  screen.type('echo back ag""ain\n')
  await screen.until('keys', shows('back again'))
})

/** More, twice, than is kept of it before that begins anew with a screen. The pods of the playground write too slowly. */
const floods = `#!/bin/sh
seq 1 900000
echo first
until [ -e go ]; do sleep 0.1; done
seq 900001 1800000
echo second
read it
`

test('floods, seen and unseen, leave the right screen', async () => {
  const folder = join(home.home, 'floods')
  mkdirSync(folder)
  writeFileSync(join(folder, 'kubectl'), floods, { mode: 0o755 })
  const env = { ...home.env, PATH: [home.shims, folder, '/usr/bin', '/bin'].join(':') }
  using screen = new Screen('/usr/bin/env', ['kubectl', 'exec', '-it', 'web-0', '--', 'sh'], env, home.home)
  await screen.until('the first end', ({ text }) => text.endsWith('899999\n900000\nfirst'), 60_000)
  const [supervisor = 0] = pidsIn(home, isSupervisor)
  await cover(screen)
  writeFileSync(join(home.home, 'go'), '')
  await until(
    'it to have gone on',
    async () => {
      const { stdout } = await home.kubeguard(['ps', '--json'])
      const { clients } = JSON.parse(stdout) as { clients: { outputBytes?: number }[] }
      return (clients[0]?.outputBytes ?? 0) > 14_000_000
    },
    { withinMs: 60_000 },
  )
  expect(screen.text).not.toContain('second')
  await home.unlock('default')
  await screen.until('the second end', ({ text }) => text.endsWith('1799999\n1800000\nsecond'), 60_000)
  const last = Array.from({ length: 900 }, (_, at) => String(1_800_000 - 899 + at))
  expect(screen.text).toContain(`${last.join('\n')}\nsecond`)
  await until('no process for it', () => screensOf(supervisor).length === 0)
})

/** Below a region no line moves another one up: each is written over the last one, and leaves of it what it does not reach. */
test('a flood below a region leaves the right screen', async () => {
  const folder = join(home.home, 'region')
  mkdirSync(folder)
  const program = `#!/bin/sh\necho above\nprintf '\\033[1;5r\\033[99H'\nseq 1300000 -1 1\nprintf end\nread it\n`
  writeFileSync(join(folder, 'kubectl'), program, { mode: 0o755 })
  const env = { ...home.env, PATH: [home.shims, folder, '/usr/bin', '/bin'].join(':') }
  using screen = new Screen('/usr/bin/env', ['kubectl', 'exec', '-it', 'web-0', '--', 'sh'], env, home.home)
  await screen.until('the end', ({ text }) => /\nend0+$/.test(text), 60_000)
  const before = screen.text
  expect(before).toContain('above')
  await cover(screen)
  await home.unlock('default')
  await screen.until('the same', ({ text }) => text === before, 60_000)
})

test('after suspendFor it is ended, and the shell has its terminal', async () => {
  writePolicy(home, { idle: '10m', more: `${suspends}    suspendFor: 3s\n` })
  using screen = inPod('sh', '-c', `echo '${drawn}'; sleep 600`)
  await screen.until('the program', shows('status'))
  const family = await familyIn(home)
  await home.lock('default')
  expect(await screen.ended()).toBe(76)
  await screen.until('why', ({ text }) =>
    text.replaceAll(/\s+/g, ' ').includes('kubectl exec web-0 was ended after 3s behind the lock screen'),
  )
  expect(screen.text).toContain('main red')
  expect(screen.text).not.toMatch(/status|press Enter/)
  await until('the end of all', () => !Object.values(family).some(isRunning))
})

test('a program that ends unseen is shown by an unlock, and its exit code is its own', async () => {
  using screen = inPod('sh')
  await screen.until('a prompt', shows('$ '))
  screen.type('sleep 3; echo fare""well; exit 5\n')
  await screen.until('the command', shows('sleep 3'))
  const { kubectl } = await familyIn(home)
  await cover(screen)
  await until('its end', () => !isRunning(kubectl))
  expect(isCovered(screen)).toBe(true)
  await home.unlock('default')
  expect(await screen.ended()).toBe(5)
  await screen.until('what it wrote', shows('farewell'))
})

test('a policy that turns to kill ends what is covered', async () => {
  using screen = inPod('sh')
  await screen.until('a prompt', shows('$ '))
  await cover(screen)
  writePolicy(home, { idle: '10m' })
  expect(await screen.ended()).toBe(76)
})

test('a killed daemon means locked: what is covered ends', async () => {
  using screen = inPod('sh')
  await screen.until('a prompt', shows('$ '))
  await cover(screen)
  process.kill((await home.daemonPid()) as number, 'SIGKILL')
  expect(await screen.ended()).toBe(76)
  expect(screen.text).not.toContain('press Enter')
})

test.each(['SIGKILL', 'SIGSTOP'] as const)(
  '%s to the process that knows the screen: another brings it back',
  async (signal) => {
    using screen = inPod('sh', '-c', `echo '${drawn}'; sleep 600`)
    await screen.until('the program', shows('status'))
    const before = await settled(screen)
    await cover(screen)
    const { supervisor } = await familyIn(home)
    const [first] = await until('a process for it', () => found(screensOf(supervisor)))
    process.kill(first as number, signal)
    await home.unlock('default')
    await screen.until('the exact screen', ({ state }) => state === before, 60_000)
    await until('no process for it', () => screensOf(supervisor).length === 0)
  },
)

test('SIGKILL to the supervisor while it is covered: the terminal is mended, and nothing lives on', async () => {
  using screen = inPod('sh', '-c', `echo '${drawn}'; sleep 600`)
  await screen.until('the program', shows('status'))
  const family = await familyIn(home)
  await cover(screen)
  const screens = await until('a process for it', () => found(screensOf(family.supervisor)))
  process.kill(family.supervisor, 'SIGKILL')
  await until('the end of all', () => !Object.values(family).some(isRunning))
  await screen.until('the main screen', shows('main red'))
  expect(screen.text).not.toMatch(/status|press Enter/)
  await until('no process for it', () => !screens.some(isRunning))
})
