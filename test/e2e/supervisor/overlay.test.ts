import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { Screen } from '../../fixtures/screen.ts'
import { until } from '../../fixtures/terminal.ts'
import { makeNearby, nearbyArgs } from './nearby.ts'
import type { Nearby } from './nearby.ts'
import { screensOf, settled } from './screens.ts'
import { pidsIn, unlockedHome } from './shell.ts'

let home: TestHome
let nearby: Nearby

beforeAll(async () => {
  home = await unlockedHome('80s', '40s')
  nearby = makeNearby(home)
})
afterAll(() => home.dispose())

type Side = 'supervised' | 'bare'

/** A program that shows nothing of what is typed, and stays. */
const staying = (script: string): string[] =>
  nearbyArgs('sh', '-c', `stty -echo; ${script}; while :; do sleep 0.1; done`)

const run = (script: string, side: Side = 'supervised'): Screen =>
  new Screen(nearby[side], staying(script), nearby.env, home.home)

const line = /kubeguard: default locks at \d\d:\d\d:\d\d unless you type/
/** As it is drawn over a screen; it stands in a title, too. */
const drawn = '\x1b[0;7mkubeguard'
const isThere = ({ text }: Screen): boolean => line.test(text)
/** Then it is locked. */
const within = 80_000

async function isWarned(screen: Screen, times = 1): Promise<void> {
  await screen.until('the line', (one) => isThere(one) && one.output.split(drawn).length > times, within)
}

const draws = (...parts: string[]): string => `printf '%s' '${parts.join('')}'`

/** Until then nobody but the terminal knows what stood there before. */
const scrolls = 'seq 1 40; '

const screens: Readonly<Record<string, string>> = {
  'the main one, a prompt on its last line': `seq 1 40; ${draws('\x1b[1;32mready>\x1b[0m \x1b[31m')}`,
  'the alternate one, all that a program can set': draws(
    'main\r\n\x1b[?1049h\x1b[44m\x1b[2J\x1b[H\x1b[1;33mtitle\x1b[0m\x1b[30;1H\x1b[7mstatus line\x1b[K',
    '\x1b[38;2;10;20;30mtrue\x1b[m\x1b[2;20r\x1b[5;7H\x1b7\x1b[?6h\x1b[4h\x1b[?1h\x1b=\x1b[?1002h\x1b[?2004h',
    '\x1b[3;34H\x1b[4;36m\x1b[?25l',
  ),
  'lines that are drawn as letters': scrolls + draws('\x1b[30;1H\x1b(0lqqqk\x1b[12;3Hmqqqj'),
  'a cursor behind the last column': scrolls + draws('\x1b[30;1H', 'x'.repeat(100)),
  'a line that goes on in the last one': scrolls + draws('\x1b[29;90H', 'abcdefghij'.repeat(3)),
  'less': `seq 1 200 >less; exec less less`,
  'vim': `seq 1 200 >vim; exec vim.tiny -u NONE -N -i NONE -n vim`,
}

test(
  'it stands over the last line of any screen, and the next key leaves all as it was',
  { timeout: 240_000 },
  async () => {
    const all = Object.entries(screens).map(([name, script]) => ({ name, screen: run(script) }))
    try {
      const [first] = all
      const before = []
      for (const { name, screen } of all) {
        await screen.until('what it draws', ({ text }) => text !== '')
        before.push({ name, state: await settled(screen) })
      }
      for (const { screen } of all) await isWarned(screen)
      for (const { screen } of all) expect(screen.lines.at(-1)).toMatch(line)
      first?.screen.type('x')
      // It is past for the others of this session, too.
      for (const { screen } of all) await screen.until('its own', (one) => !isThere(one))
      expect(all.map(({ name, screen: { state } }) => ({ name, state }))).toEqual(before)
      for (const supervisor of pidsIn(home, (exe) => exe.endsWith('/kubeguard-supervisor')))
        await until('no process for it', () => screensOf(supervisor).length === 0)
      const { stdout } = await home.kubeguard(['status', '--json'])
      expect(stdout).toContain('unlocked')
    } finally {
      for (const { screen } of all) screen[Symbol.dispose]()
    }
  },
)

const waitsFor = (file: string): string => `until [ -e ${file} ]; do sleep 0.1; done`

const writes = `${scrolls}echo first; ${waitsFor('go')}; seq 1 40; ${draws('last\x1b[1m')}`
const resizes = `${draws('\x1b[?1049h')}; draw() { ${draws('\x1b[2J\x1b[H')}; stty size; ${draws('\x1b[99;1Hlast')}; }; trap draw WINCH; draw`
const scrolled = `seq 1 40; printf 'its last line'`
const floods = `seq 1 1500000; echo flood`

test(
  'what the program writes, and another size, go before it; an end leaves nothing of it',
  { timeout: 240_000 },
  async () => {
    await home.unlock('default')
    using writing = run(writes)
    using wrote = run(writes, 'bare')
    using resizing = run(resizes)
    using resized = run(resizes, 'bare')
    using lower = run(scrolled)
    using lowered = run(scrolled, 'bare')
    using narrow = run(`until [ "$(stty size)" = "6 24" ]; do sleep 0.1; done; seq 1 9; printf 'last line'`)
    using ended = run(scrolled)
    using flooding = run(floods)
    // As a person has it: a shell has written there before.
    using used = new Screen(
      '/bin/sh',
      ['-c', 'echo one; echo two; exec "$0" "$@"', nearby.supervised, ...staying(draws('prompt> '))],
      nearby.env,
      home.home,
    )
    narrow.resize(24, 6)
    await narrow.until('what it draws', ({ text }) => text.endsWith('last line'))
    const before = await settled(narrow)
    await flooding.until('its end', ({ text }) => text.includes('flood'), within)
    // However long that took: it is as idle as it was at the start.
    narrow.type('x')
    for (const screen of [writing, resizing, lower, ended]) await isWarned(screen)
    await narrow.until('as much as fits', ({ lines }) => lines.at(-1) === 'kubeguard: default locks', within)
    await home.kubeguard(['kill', String(ended.pty.pid)])
    await ended.until('why', ({ text }) => /40\nits last line\n.*was ended by kubeguard kill/.test(text))
    expect(isThere(ended)).toBe(false)
    writeFileSync(join(home.home, 'go'), '')
    for (const screen of [resizing, resized]) screen.resize(80, 20)
    for (const screen of [lower, lowered]) screen.resize(100, 20)
    await writing.until('what it wrote', ({ text }) => text.includes('\n38\n'))
    // There again, once it is quiet.
    for (const screen of [writing, resizing, lower]) await isWarned(screen, 2)
    expect(resizing.lines.at(-1)).toMatch(line)
    // Of a flood nobody knows what it left on the screen: title and bell say it alone.
    expect(flooding.output).toMatch(new RegExp(`\\]2;${line.source}\\x07\\x07`))
    expect(isThere(flooding)).toBe(false)
    expect(used.output).toMatch(new RegExp(`\\]2;${line.source}\\x07\\x07`))
    narrow.type('x')
    for (const screen of [writing, resizing, lower, narrow])
      await screen.until('its own', (one) => !/locks/.test(one.text))
    expect(narrow.state).toBe(before)
    expect(used.text).toBe('one\ntwo\nprompt> ')
    expect(used.typed).toBe('prompt> ')
    expect(writing.state).toBe(await settled(wrote))
    expect(lower.state).toBe(await settled(lowered))
    expect(resizing.state).toBe(await settled(resized))
  },
)

test(
  'a lock screen takes its place, and the screen behind is brought back without it',
  { timeout: 240_000 },
  async () => {
    writePolicy(home, { idle: '80s', warn: '40s', more: '    live: suspend\n' })
    await home.lock('default')
    await home.unlock('default')
    using screen = run(scrolled)
    await screen.until('what it draws', ({ text }) => text.includes('last line'))
    const before = await settled(screen)
    await isWarned(screen)
    await home.lock('default')
    await screen.until('the lock screen', ({ text }) => text.includes('press Enter to unlock'))
    expect(isThere(screen)).toBe(false)
    await home.unlock('default')
    await screen.until('its own', ({ text }) => text.endsWith('last line'))
    expect(await settled(screen)).toBe(before)
  },
)
