import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { statSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReplyOf, RequestOf } from '../protocol/messages.ts'
import { endOf, leaveSignalsTo } from './child.ts'
import type { Inherited } from './inherited.ts'
import { writeAll } from './say.ts'

/** As native/foreign.c: somebody else's exec plugin, run as client-go would have, with limits. */

type Outcome = RequestOf<'keeper.deliver'>

/** A certificate chain and its key are some kilobytes. */
const mostOutput = 1024 * 1024
const mostErrors = 64 * 1024
/** Between TERM and KILL. */
const graceMs = 2_000
/** What it left running may hold its pipes open. */
const drainMs = 200
/** execve(2) failed. */
const notExecutable = 126

/** Runs it, and ends it when its time is over or nobody waits for what it gives. */
export async function runForeign(
  inherited: Inherited,
  word: ReplyOf<'keeper.share'>,
  gone: Promise<void>,
): Promise<Outcome | 'nobody waits'> {
  const path = findProgram(String(word.program), process.env['PATH'])
  if (path === undefined) return { outcome: 'missing', code: 0, output: Buffer.alloc(0) }
  const client = process.ppid
  const child = start(inherited, word, path)
  const letGo = leaveSignalsTo(child)
  const output = new Output(child)
  if (child.stderr !== null) passErrors(child)
  const limitMs = word.limitMs ?? 0
  const why = await Promise.race([
    endOf(child, notExecutable),
    output.overflown.then(() => 'endless' as const),
    sleep(limitMs, 'late' as const, { ref: false }),
    gone.then(() => 'gone' as const),
  ])
  if (typeof why === 'string') await endChild(child)
  else await Promise.race([output.complete, sleep(drainMs)])
  letGo()
  child.stdout?.destroy()
  child.stderr?.destroy()
  if (why === 'gone') return 'nobody waits'
  if (typeof why === 'string') return { outcome: why, code: limitMs, output: Buffer.alloc(0) }
  leaveWith(client, why.signal)
  if (why.signal !== null)
    return { outcome: 'killed', code: constants.signals[why.signal], output: output.bytes() }
  return { outcome: 'exited', code: why.code ?? notExecutable, output: output.bytes() }
}

function start(inherited: Inherited, word: ReplyOf<'keeper.share'>, path: string): ChildProcess {
  const [argv0 = '', ...args] = texts(word.argv)
  const given = texts(word.environment)
  const names = new Set(given.map(nameOf))
  const others = inherited.environment.map(String).filter((variable) => !names.has(nameOf(variable)))
  const env = Object.fromEntries(
    [...others, ...given].map((variable) => [nameOf(variable), variable.slice(nameOf(variable).length + 1)]),
  )
  const errors = word.interactive ? 'inherit' : 'pipe'
  const input = word.interactive ? 'inherit' : 'ignore'
  return spawn(path, args, { argv0, env, stdio: [input, 'pipe', errors] })
}

const texts = (nulEnded: Buffer | undefined): string[] =>
  (nulEnded?.toString() ?? '').split('\0').slice(0, -1)
const nameOf = (variable: string): string => variable.slice(0, Math.max(variable.indexOf('='), 0))

/** As Go's exec.LookPath: what lies in the working directory is not taken. */
function findProgram(name: string, searchPath: string | undefined): string | undefined {
  if (name.includes('/')) return isProgram(name) ? name : undefined
  const folders = (searchPath ?? '').split(delimiter).filter((folder) => isAbsolute(folder))
  return folders.map((folder) => join(folder, name)).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    const facts = statSync(path)
    return facts.isFile() && (facts.mode & 0o111) !== 0
  } catch {
    return false
  }
}

/** What it prints on standard output, up to a limit. */
class Output {
  readonly complete: Promise<void>
  readonly overflown: Promise<void>
  readonly #chunks: Buffer[] = []
  #length = 0

  constructor({ stdout }: ChildProcess) {
    const full = Promise.withResolvers<void>()
    this.overflown = full.promise
    this.complete = new Promise((resolve) => stdout?.once('close', () => resolve()))
    stdout?.on('data', (chunk: Buffer) => {
      this.#length += chunk.length
      if (this.#length > mostOutput) full.resolve()
      else this.#chunks.push(chunk)
    })
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

/** The first of it is shown, the rest is read so that it can go on. */
function passErrors({ stderr }: ChildProcess): void {
  let shown = 0
  let written: Promise<unknown> = Promise.resolve()
  const write = (bytes: Buffer): void => {
    written = written.then(() => writeAll(2, bytes)).catch(() => {})
  }
  stderr?.on('data', (chunk: Buffer) => {
    if (shown === mostErrors) return
    const piece = chunk.subarray(0, mostErrors - shown)
    shown += piece.length
    write(piece)
    if (shown === mostErrors) write(Buffer.from('\nkubeguard: the rest of what it says is left out\n'))
  })
}

/** TERM, so that it gives a terminal its echo back; then KILL. */
async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  child.kill('SIGCONT')
  await Promise.race([ended, sleep(graceMs, undefined, { ref: false })])
  child.kill('SIGKILL')
  await ended
}

/** What a person or the client's end has broken off says nothing about the plugin: we go the same way. */
function leaveWith(client: number, signal: NodeJS.Signals | null): void {
  const isBrokenOff = signal !== null && ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'].includes(signal)
  if (isBrokenOff) process.kill(process.pid, signal)
  if (process.ppid !== client) process.exit(77)
}
