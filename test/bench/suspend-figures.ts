import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { writePolicy } from '../fixtures/policy.ts'
import { TestTerminal } from '../fixtures/terminal.ts'
import type { Bench } from './bench-home.ts'
import { DaemonClient } from './daemon-client.ts'
import type { Figure } from './figure.ts'
import { median } from './measure.ts'
import { keyFigure, throughputFigure } from './supervisor-figures.ts'

const [cols, rows] = [200, 60]
const rounds = 9
const last = 'the last of it'

/** A full screen in colours, as top and editors draw it. */
function fullScreen(): string {
  const line = (row: number): string =>
    Array.from(
      { length: cols / 4 },
      (_, at) => `\x1b[3${(row + at) % 8}m${String(row * at).padStart(4)}`,
    ).join('')
  const lines = Array.from({ length: rows }, (_, row) => `\x1b[${row + 1}H${line(row)}`)
  return `\x1b[?1049h\x1b[2J${lines.join('')}\x1b[0m\x1b[${rows};1H${last}`
}

interface Stand {
  readonly file: string
  readonly env: NodeJS.ProcessEnv
}

/** In kubectl's place a program that draws the screen, and waits. */
function standIn({ home }: Bench): Stand {
  const folder = join(home.root, 'suspended')
  const file = join(folder, 'screen')
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, fullScreen())
  writeFileSync(join(folder, 'kubectl'), `#!/bin/sh\ncat ${file}\nread it\n`, { mode: 0o755 })
  return { file, env: { ...home.env, PATH: [home.shims, folder, '/usr/bin', '/bin'].join(delimiter) } }
}

async function drawnAt(terminal: TestTerminal, from: number, what: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const isThere = (): boolean => terminal.output.includes(what, from)
  const listener = terminal.pty.onData(() => isThere() && resolve())
  if (!isThere()) await promise
  listener.dispose()
  return Date.now()
}

/** The journal says when the daemon let it be uncovered: what comes before that is the passphrase's. */
async function resumedAt({ home }: Bench): Promise<number> {
  const { stdout } = await home.kubeguard(['log', '--json'])
  const entries = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; wallMs: number })
  return Math.max(...entries.filter(({ event }) => event === 'resumed').map(({ wallMs }) => wallMs))
}

async function oneRound(bench: Bench, terminal: TestTerminal): Promise<{ cover: number; redraw: number }> {
  const client = await DaemonClient.toDaemonOf(bench.home)
  let from = terminal.output.length
  const startedAt = Date.now()
  const covered = drawnAt(terminal, from, 'press Enter to unlock')
  await client.ask('session.lock', {})
  client.close()
  const cover = (await covered) - startedAt
  from = terminal.output.length
  const drawn = drawnAt(terminal, from, last)
  await bench.home.unlock('default')
  return { cover, redraw: (await drawn) - (await resumedAt(bench)) }
}

/** What `cat` takes to draw the same. */
async function catMs(file: string): Promise<number> {
  const startedAt = Date.now()
  using terminal = new TestTerminal('/bin/cat', [file], process.env)
  return (await drawnAt(terminal, 0, last)) - startedAt
}

/** Under rules that cover streams at a lock; the usual ones are put back. */
export async function suspendFigures(bench: Bench): Promise<readonly Figure[]> {
  const { home } = bench
  const policy = join(home.guardHome, 'config', 'config.yaml')
  const before = readFileSync(policy)
  writePolicy(home, { idle: '10m', more: '    live: suspend\n' })
  try {
    await home.unlock('--all')
    return [...(await coverFigures(bench)), ...(await keptFigures(bench))]
  } finally {
    writeFileSync(policy, before)
    await home.unlock('--all')
  }
}

/** What it costs that the program's output is kept. */
async function keptFigures(bench: Bench): Promise<readonly Figure[]> {
  const throughput = await throughputFigure(bench)
  const keys = await keyFigure(bench)
  return [throughput, keys].map((figure) => ({ ...figure, name: `${figure.name}, where a lock covers it` }))
}

/** From the lock to the lock screen, and from the unlock to the program's screen of 200 × 60. */
async function coverFigures(bench: Bench): Promise<readonly Figure[]> {
  const { file, env } = standIn(bench)
  const command = ['kubectl', 'exec', '-it', 'web-0', '--', 'sh']
  using terminal = new TestTerminal('/usr/bin/env', command, env, bench.home.home)
  terminal.pty.resize(cols, rows)
  await terminal.shows(last)
  const measured = []
  for (let round = 0; round < rounds; round += 1) measured.push(await oneRound(bench, terminal))
  const baseline = { name: 'cat of the same screen', value: await catMs(file), unit: 'ms' }
  const figure = (name: string, values: number[]): Figure => ({
    name,
    value: median(values),
    unit: 'ms',
    baseline,
    target: 50,
    better: 'at most',
    rounds,
  })
  return [
    figure(
      'lock screen over a stream, from the lock on',
      measured.map(({ cover }) => cover),
    ),
    figure(
      `screen of ${cols} × ${rows} drawn again, from the unlock on`,
      measured.map(({ redraw }) => redraw),
    ),
  ]
}
