import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Screen } from '../../fixtures/screen.ts'
import { repository, until } from '../../fixtures/terminal.ts'
import { familyIn, PersonsShell, unlockedHome } from './shell.ts'

interface Client {
  readonly keysBytes?: number
  readonly outputBytes?: number
  readonly idleMs?: number
}

/** Asks the terminal where its cursor is, each second: the terminal answers, by what looks like input. */
const asking = Array.from({ length: 90 }, () => `echo '\x1b[6n\x1b[c'; sleep 1`).join('; ')

test('what a terminal answers to a program is no person: it locks', async () => {
  await using home = await unlockedHome('14s')
  using screen = new Screen(
    '/usr/bin/env',
    ['kubectl', 'exec', '-it', 'web-0', '--', 'sh', '-c', asking],
    home.env,
    home.home,
  )
  const { kubectl } = await familyIn(home)
  const answers = await until('answers of the terminal', async () => {
    const { clients } = JSON.parse((await home.kubeguard(['ps', '--json'])).stdout) as { clients: Client[] }
    return (clients[0]?.keysBytes ?? 0) > 20 ? clients[0] : undefined
  })
  expect(answers?.outputBytes).toBeGreaterThan(0)
  expect(kubectl).toBeGreaterThan(1)
  // 14 s, 8 s of steps at the unlock, and the rest for a slow machine; the program would go on for 90 s.
  expect(await screen.ended(60_000)).toBe(76)
  expect(screen.output).toContain('idle too long')
})

test('keys keep it open', async () => {
  await using home = await unlockedHome('14s')
  using shell = new PersonsShell(home)
  await shell.shows('ready> ')
  await shell.enter('kubectl exec -it web-0 -- sh; echo code=$?\n', /\$ $/)
  const endsAt = Date.now() + 40_000
  await until(
    'a person who types for longer than the limit',
    async () => {
      await shell.enter('echo here\n', /here\r\nweb-0:\S*\$ $/)
      return Date.now() > endsAt
    },
    { withinMs: 90_000 },
  )
  const { clients } = JSON.parse((await home.kubeguard(['ps', '--json'])).stdout) as { clients: Client[] }
  expect(clients).toHaveLength(1)
  expect(clients[0]?.idleMs).toBeLessThan(14_000)
})

test('a warning rings, and stands in the title until the next key', async () => {
  await using home = await unlockedHome('40s', '20s')
  using shell = new PersonsShell(home)
  await shell.shows('ready> ')
  await shell.enter('kubectl exec -it web-0 -- sh; echo code=$?\n', /\$ $/)
  const from = shell.output.length
  // eslint-disable-next-line no-control-regex
  const title = /^\x1b\[22;2t\x1b\]2;kubeguard: default locks at \d\d:\d\d:\d\d unless you type\x07\x07/
  const isWarned = (said: string): boolean => title.test(said)
  await until('the warning', () => isWarned(shell.output.slice(from)), {
    withinMs: 60_000,
    now: () => JSON.stringify(shell.output.slice(from)),
  })
  const typedAt = shell.output.length
  await shell.enter('echo here\n', /here\r\nweb-0:\S*\$ $/)
  expect(shell.output.slice(typedAt)).toContain('\x1b[23;2t')
  await shell.enter('exit\n', /code=0/)
})

test('ps --watch shows what goes through a session, until Ctrl-C', async () => {
  await using home = await unlockedHome()
  using shell = new PersonsShell(home)
  await shell.shows('ready> ')
  using screen = new Screen(join(repository, 'bin', 'kubeguard'), ['ps', '--watch'], home.env, home.home)
  await screen.until('nothing', ({ text }) => text === 'kubeguard: no live process, and no holder')
  await shell.enter('kubectl exec -it web-0 -- sh\n', /\$ $/)
  await shell.enter('seq 2000\n', /2000\r\nweb-0:\S*\$ $/)
  await screen.until(
    'the bytes',
    ({ text }) => /kubectl exec web-0 +10(\.\d)? kB +default +ended/.test(text),
    30_000,
  )
  screen.type('\x03')
  await until('the end', () => screen.signal === 2 || screen.exitCode === 130)
})
