import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { makeNearby, nearbyArgs } from './nearby.ts'
import type { Nearby } from './nearby.ts'
import { RawTerminal } from './raw-terminal.ts'
import type { End } from './raw-terminal.ts'
import { pidsIn, unlockedHome } from './shell.ts'

let home: TestHome
let nearby: Nearby

beforeAll(async () => {
  home = await unlockedHome()
  nearby = makeNearby(home)
})
afterAll(() => home.dispose())

type Side = 'supervised' | 'bare'

const run = (side: Side, script: string, keeps = true): RawTerminal =>
  new RawTerminal(nearby[side], nearbyArgs('sh', '-c', script), nearby.env, keeps)

const isSupervised = (): boolean => pidsIn(home, (exe) => exe.endsWith('/kubeguard-supervisor')).length > 0

test('every byte goes through as it is, both ways: each alone, and many at once', async () => {
  using terminal = run('supervised', 'stty raw -echo; printf begin; exec cat')
  await terminal.shows('begin')
  expect(isSupervised()).toBe(true)
  const each = Array.from({ length: 256 }, (_, byte) => Buffer.of(byte))
  // Characters of 2, 3 and 4 bytes, so cut, and a byte order mark.
  const cut = [...Buffer.from('é€😀\ufeff')].map((byte) => Buffer.of(byte))
  const many = randomBytes(200_000)
  let sent = Buffer.from('begin')
  for (const bytes of [...each, ...cut, many]) {
    terminal.pty.write(bytes)
    sent = Buffer.concat([sent, bytes])
    await until('its echo', () => terminal.length >= sent.length, { now: () => `${terminal.length}` })
  }
  expect(terminal.output.equals(sent)).toBe(true)
})

test('100 MB of output are whole, to the last byte before the end', { timeout: 300_000 }, async () => {
  const block = randomBytes(1_000_000)
  const file = join(home.root, 'block')
  writeFileSync(file, block)
  const script = `stty raw; i=0; while [ $i -lt 100 ]; do cat ${file}; i=$((i+1)); done; exit 9`
  using terminal = run('supervised', script, false)
  expect(await terminal.ended(240_000)).toEqual({ exitCode: 9, signal: 0 })
  const wanted = createHash('sha256')
  for (let count = 0; count < 100; count += 1) wanted.update(block)
  expect(terminal.length).toBe(100_000_000)
  expect(terminal.digest()).toBe(wanted.digest('hex'))
})

interface Case {
  readonly name: string
  readonly script: string
  /** What is done, each time that the output ends so. */
  readonly steps?: readonly (readonly [RegExp, string | ((terminal: RawTerminal) => void)])[]
  /** That it was what it is about. */
  readonly shows: RegExp
}

const modes = '\\033[?1049h\\033[?1000h\\033[?1006h\\033[?2004h\\033]2;title\\007\\033[38;2;1;2;3m\\033[4:3mx'

const cases: readonly Case[] = [
  {
    name: 'colours, the other screen, mouse, bracketed paste: what is set, and what the terminal sends',
    script: `stty raw -echo; printf '${modes}'; dd bs=1 count=44 status=none | cat -v; printf '\\033c'`,
    steps: [
      [/x$/, '\x1b[<0;10;20M\x1b[<0;10;20m'],
      [/20m$/, '\x1b[200~a\r~l\nb\x1b[201~'],
      [/201~$/, '~\x1b[I'],
    ],
    shows: /\^\[\[200~a\^M~l\nb\^\[\[201~/,
  },
  {
    name: 'the size, and a new one',
    script: `trap 'stty size; exit' WINCH; stty size; echo begin; while :; do sleep 0.1; done`,
    steps: [[/begin\r\n$/, (terminal) => terminal.pty.resize(90, 20)]],
    shows: /30 100\r\nbegin\r\n20 90/,
  },
  {
    name: 'Ctrl-C and Ctrl-\\, which a program takes',
    script: `trap 'echo int' INT; trap 'echo quit; exit 5' QUIT; echo begin; while :; do sleep 0.1; done`,
    steps: [
      [/begin\r\n$/, '\x03'],
      [/int\r\n$/, '\x1c'],
    ],
    shows: /\^Cint\r\n\^\\(Quit\r\n)?quit/,
  },
  {
    name: 'Ctrl-C, by which it dies',
    script: 'echo begin; exec sleep 600',
    steps: [[/begin\r\n$/, '\x03']],
    shows: /\^C/,
  },
  {
    name: 'lines, corrected, and the end of input',
    script: 'echo begin; cat; echo end',
    steps: [
      [/begin\r\n$/, 'abx\x7fc\r'],
      [/begin\r\nab[^]*c\r\nabc\r\n$/, '~/path ~l\r'],
      [/~\/path ~l\r\n$/, '\x04'],
    ],
    shows: /end\r\n$/,
  },
  { name: 'input that is closed', script: 'exec <&-; read line; echo "code $?"', shows: /code [12]/ },
  { name: 'no newline at the end, exit code 255', script: 'printf x; exit 255', shows: /x$/ },
  ...['TERM', 'HUP', 'KILL', 'ABRT', 'SEGV', 'PIPE', 'USR1'].map((name) => ({
    name: `death by SIG${name}`,
    script: `ulimit -c 0; echo begin; kill -${name} $$; sleep 600`,
    shows: /begin/,
  })),
]

type Steps = NonNullable<Case['steps']>

async function walk(terminal: RawTerminal, steps: Steps): Promise<{ output: string; end: End }> {
  for (const [shown, step] of steps) {
    await terminal.shows(shown)
    if (typeof step === 'string') terminal.pty.write(step)
    else step(terminal)
  }
  const end = await terminal.ended()
  return { output: terminal.output.toString('latin1'), end }
}

async function observe(side: Side, { script, steps = [] }: Case): Promise<{ output: string; end: End }> {
  using terminal = run(side, script)
  return await walk(terminal, steps)
}

test.each(cases)('as without us, byte for byte: $name', async (one) => {
  const [bare, supervised] = [await observe('bare', one), await observe('supervised', one)]
  expect(bare.output).toMatch(one.shows)
  expect(supervised).toEqual(bare)
})

/** Answers of the daemon take this long, so that what falls into that time can be tried. */
const slowly = ['-f', '-o', '/dev/null', '-e', 'trace=recvfrom', '-e', 'inject=recvfrom:delay_exit=100000']

test('a size that the terminal is given while it starts is never lost', async () => {
  const script = 'until [ "$(stty size)" = "6 24" ]; do sleep 0.1; done; echo there'
  const terminals: RawTerminal[] = []
  try {
    for (let one = 0; one < 12; one += 1) {
      terminals.push(
        new RawTerminal(
          'strace',
          [...slowly, nearby.supervised, ...nearbyArgs('sh', '-c', script)],
          nearby.env,
        ),
      )
      // Each is somewhere else in its start when all are given their size.
      await sleep(25)
    }
    for (const terminal of terminals) terminal.pty.resize(24, 6)
    for (const terminal of terminals) await terminal.shows('there')
  } finally {
    for (const terminal of terminals) terminal[Symbol.dispose]()
  }
})

test.each([
  ['input is closed', '<&-'],
  ['input is none', '</dev/null'],
  ['output is no terminal', '| cat'],
])('nobody stands in between where %s', async (_, redirected) => {
  const line = (file: string): string =>
    `${file} ${nearbyArgs('sh', '-c', '"echo works; sleep 600"').join(' ')}`
  using terminal = new RawTerminal('/bin/sh', ['-c', `${line(nearby.supervised)} ${redirected}`], nearby.env)
  await terminal.shows('works')
  expect(isSupervised()).toBe(false)
})

/** In a shell whose job it is. The shell's own line editor would draw by its own time. */
async function asJob(side: Side, steps: Steps): Promise<{ output: string; end: End }> {
  const path = side === 'bare' ? { PATH: `${dirname(nearby.bare)}:/usr/bin:/bin` } : {}
  const env = { ...nearby.env, ...path, PS1: 'ready> ' }
  using terminal = new RawTerminal('/bin/bash', ['--norc', '--noprofile', '--noediting', '-i'], env)
  return await walk(terminal, steps)
}

test('as without us, byte for byte: Ctrl-Z, jobs, fg, and on', async () => {
  const steps: Steps = [
    [/ready> $/, `kubectl exec -it web-0 -- sh -c 'echo beg""in; exec cat'\r`],
    [/begin\r\n$/, '\x1a'],
    [/Stopped[^]*ready> $/, 'echo code=$?; jobs\r'],
    [/code=148[^]*Stopped[^]*ready> $/, 'fg\r'],
    [/fg\r\nkubectl [^\n]*\n$/, 'on\r'],
    [/on\r\non\r\n$/, '\x04'],
    [/on\r\n[^]*ready> $/, 'echo code=$?; exit\r'],
  ]
  const bare = await asJob('bare', steps)
  expect(bare.output).toContain('code=0')
  expect(await asJob('supervised', steps)).toEqual(bare)
})
