import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TestTerminal, until } from '../../fixtures/terminal.ts'
import type { Ground, Side } from './ground.ts'
import { takeNotes } from './witness.ts'
import type { Noted } from './witness.ts'

interface CaseBasis {
  readonly name: string
  /** What the run must show, so that two failures of another kind never count as equal. */
  readonly shows: RegExp
  /** What no two runs have in common, taken out of the text. */
  readonly tidy?: (text: string) => string
  /** Facts about a start that differ by themselves, since something else goes on at the same time. */
  readonly unsteady?: readonly string[]
  /** Why kubectl itself ends now one way, now another: both sides are run again, a few times, until they agree. */
  readonly races?: string
  /** The one difference that can't be helped: what is shown on each side; it is in docs/cli.md or docs/security.md. */
  readonly differs?: Readonly<{ because: string; shows: Readonly<Partial<Record<Side, RegExp>>> }>
}

/** A line for a shell, through files and without a terminal. */
export interface ShellCase extends CaseBasis {
  readonly line: string
  /** `sh` unless said. */
  readonly shell?: 'sh' | 'bash' | 'zsh' | 'fish'
  readonly input?: string | Buffer
}

/** What a person types at a shell on a terminal, and what is there before the next is typed. */
export interface TerminalCase extends CaseBasis {
  readonly steps: readonly (readonly [typed: string, shown: RegExp])[]
  readonly shell?: 'bash' | 'zsh' | 'fish'
}

export type Case = ShellCase | TerminalCase

/** Everything that a case lets us see. */
export interface Observed {
  readonly stdout: string
  readonly stderr: string
  /** What the terminal was sent; for a case without one nothing. */
  readonly screen: string
  readonly code: number | null
  readonly signal: string | null
  /** Each start of kubectl and each wait status. */
  readonly noted: readonly Noted[]
  /** Names, modes and contents of the files that it left. */
  readonly files: readonly string[]
}

/** Runs a case on one side. @throws Error when it does not come to its end. */
export async function observe(ground: Ground, side: Side, one: Case): Promise<Observed> {
  ground.prepare(side)
  takeNotes(ground.notes)
  const ran = 'line' in one ? await runLine(ground, one) : await runOnTerminal(ground, one)
  const noted = takeNotes(ground.notes).map((block) =>
    without(withoutPath(block, ground), one.unsteady ?? []),
  )
  return { ...ran, noted, files: filesBelow(ground.work) }
}

type Ran = Omit<Observed, 'noted' | 'files'>

const mostMs = 25_000

async function runLine(
  ground: Ground,
  { line, shell = 'sh', input = '', tidy = same }: ShellCase,
): Promise<Ran> {
  const place = (name: string): string => join(ground.folder, name)
  writeFileSync(place('stdin'), input)
  const files = [
    openSync(place('stdin'), 'r'),
    openSync(place('stdout'), 'w'),
    openSync(place('stderr'), 'w'),
  ]
  const child = spawn(shell, ['-c', line], {
    cwd: ground.work,
    env: ground.env,
    detached: true,
    stdio: files,
  })
  files.forEach(closeSync)
  const { promise, resolve, reject } = Promise.withResolvers<Pick<Ran, 'code' | 'signal'>>()
  child.on('error', reject)
  child.on('exit', (code, signal) => resolve({ code, signal }))
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), mostMs)
  const ended = await promise.finally(() => clearTimeout(timer))
  const text = (name: string): string => inShort(tidy(readFileSync(place(name), 'latin1')))
  return { ...ended, stdout: text('stdout'), stderr: text('stderr'), screen: '' }
}

const prompt = 'ready> '
const shellFlags = { bash: ['--norc', '--noprofile'], zsh: ['-f'], fish: ['--no-config'] } as const

async function runOnTerminal(
  ground: Ground,
  { steps, shell = 'bash', tidy = same }: TerminalCase,
): Promise<Ran> {
  const env = { ...ground.env, PS1: prompt, HISTFILE: '/dev/null' }
  using terminal = new TestTerminal(`/usr/bin/${shell}`, shellFlags[shell], env, ground.work)
  await terminal.shows(prompt)
  for (const [typed, shown] of [...steps, ['stty -g; exit\r', /:0\r\n/] as const]) {
    const from = terminal.output.length
    terminal.type(typed)
    const seen = (): string => terminal.output.slice(from)
    await until(`${shown} after ${JSON.stringify(typed)}`, () => shown.test(seen()), {
      withinMs: mostMs,
      now: seen,
    })
  }
  const code = await terminal.ended(mostMs)
  // Numbers of jobs' processes.
  const screen = terminal.output.replace(/(\[\d+\][+-]?) +\d+/g, '$1 PID')
  return { code, signal: null, stdout: '', stderr: '', screen: inShort(tidy(screen)) }
}

const same = (text: string): string => text

/** What is too long to be read in a failure is told by its digest. */
function inShort(text: string): string {
  if (text.length < 20_000) return text
  return `${text.length} bytes, sha256 ${createHash('sha256').update(text, 'latin1').digest('hex')}`
}

/**
 * The path under which kubectl was found is the shim's: nothing can hide that. bash tells it to the program in `_`
 * (bash(1), Special Parameters).
 */
function withoutPath(block: Noted, { shim, witness }: Ground): Noted {
  const { variable, ...rest } = block
  if (!Array.isArray(variable)) return block
  return {
    ...rest,
    variable: variable.map((entry: string) => (entry === `_=${shim}` ? `_=${witness}` : entry)),
  }
}

const without = (block: Noted, names: readonly string[]): Noted =>
  Object.fromEntries(Object.entries(block).filter(([name]) => !names.includes(name)))

/** Names are bytes, as latin1. */
function filesBelow(folder: string): string[] {
  return readdirSync(Buffer.from(folder, 'latin1'), { encoding: 'latin1' })
    .toSorted()
    .flatMap((name) => {
      const path = Buffer.from(join(folder, name), 'latin1')
      const facts = lstatSync(path)
      const content = facts.isFile() ? inShort(readFileSync(path, 'latin1')) : ''
      const below = facts.isDirectory() ? filesBelow(path.toString('latin1')) : []
      return [`${name} ${facts.mode.toString(8)} ${content}`, ...below.map((file) => `${name}/${file}`)]
    })
}
