import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestHome } from '../../fixtures/home.ts'
import { TestTerminal, until } from '../../fixtures/terminal.ts'
import { makeNearby, nearbyArgs } from './nearby.ts'
import { PersonsShell, unlockedHome } from './shell.ts'

const podPrompt = /web-0:\S*\$ $/

async function inPod(home: TestHome): Promise<PersonsShell> {
  const shell = new PersonsShell(home)
  await shell.shows('ready> ')
  await shell.enter('kubectl exec -it web-0 -- sh; echo code=$?\n', podPrompt)
  return shell
}

let home: TestHome

beforeAll(async () => {
  home = await unlockedHome()
})
afterAll(() => home.dispose())

test('~t says when it locks, ~? which keys there are; the program sees nothing of them, and all else', async () => {
  using shell = await inPod(home)
  expect(await shell.enter('~t', /in any case\r\n/)).toMatch(
    /^\r\nkubeguard: default locks after 10m without a key, and in \S+ in any case\r\n$/,
  )
  expect(await shell.enter('~?', /these lines\r\n/)).toMatch(/\r\n {2}~ l {2}lock default now\r\n/)
  expect(await shell.enter('\r', podPrompt)).not.toContain('~')
  // Two keys are one; one goes on by itself; what comes at once goes on as it is.
  await shell.enter('~~', /~$/)
  await shell.enter('\x03', podPrompt)
  await shell.enter('\r', podPrompt)
  await shell.enter('~', /^~$/)
  await shell.enter('/x\x03', podPrompt)
  await shell.enter('echo one\r~l and ~~\r', /one[^]*not found[^]*\$ $/)
  await shell.enter('exit 4\r', /code=4/)
})

test('in a paste, and while a program has the whole screen, it is a key like any other', async () => {
  const { supervised, env } = makeNearby(home)
  const show = (bytes: number): string => `dd bs=1 count=${bytes} status=none | cat -v`
  const shows = `stty raw -echo; printf begin; ${show(19)}; printf '\\033[?1049hfull'; ${show(4)}; sleep 600`
  using terminal = new TestTerminal(supervised, nearbyArgs('sh', '-c', shows), env, home.home)
  await terminal.shows('begin')
  // Each has been read when it is shown: none waits for the next.
  for (const keys of ['\x1b[200~', '\r', '~', 'l', '~?', '~', 't', '\x1b[201~']) {
    const from = terminal.output.length
    terminal.type(keys)
    const shown = keys.replace('\x1b', '^[').replace('\r', '^M')
    await until(`${shown} on the terminal`, () => terminal.output.slice(from).startsWith(shown), {
      now: () => JSON.stringify(terminal.output),
    })
  }
  await terminal.shows('full')
  for (const key of ['\r', '~', 'l', '\r']) terminal.type(key)
  await terminal.shows('full^M~l^M')
  expect(terminal.exitCode).toBeUndefined()
})

test('~l locks: the stream ends with 76, and the journal has a lock by hand', async () => {
  await home.unlock('default')
  using shell = await inPod(home)
  const said = await shell.enter('~l', /code=\d+/)
  expect(said).toMatch(
    /default is locked since \d\d:\d\d \(locked by you\), and kubectl exec web-0 was ended/,
  )
  expect(said).toContain('code=76')
  expect(said).not.toContain('~')
  const { stdout } = await home.kubeguard(['log', '--json', '--event', 'locked'])
  expect(stdout).toContain('manual')
})

test('a policy names another key, or none', async () => {
  await using other = await unlockedHome('10m', '1s', '    escape: "^]"\n')
  using shell = await inPod(other)
  await shell.enter('~l\r', /~l[^]*not found[^]*\$ $/)
  expect(await shell.enter('\x1d?', /these lines\r\n/)).toContain('^] l  lock default now')
  await shell.enter('\x1dl', /code=76/)
})
