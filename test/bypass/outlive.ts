import { randomBytes } from 'node:crypto'
import { chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isRunning } from '../fixtures/home.ts'
import { TestTerminal, until } from '../fixtures/terminal.ts'
import type { Siege } from './siege.ts'

/**
 * Something live, started through the shim as a command of a shell or typed at one. Its processes are told from
 * all others by a variable in their environment, which children, orphans and daemons of theirs inherit.
 */
export interface Stream {
  readonly name: string
  /** A line for a shell. `OUT` in it is the file that its output goes to. */
  readonly line: string
  /** Typed at an interactive bash on a terminal, or given to `sh -c` without one. */
  readonly on: 'terminal' | 'pipes'
  /** In its output once it works. */
  readonly works: RegExp
  /** What it serves on loopback, found in its output. */
  readonly serves?: { readonly address: RegExp; readonly path: string; readonly answers: string }
  /** What must have gone after the lock, by the end of argv[0]; absent: clients, and the shells around them may stay. */
  readonly ends?: RegExp
  /** Done to it once it works. */
  readonly afterwards?: (pids: readonly number[], siege: Siege, mark: string) => Promise<void>
}

const markName = 'BYPASS_STREAM'
/** How long what was ended may take to go from the process table after `kubeguard lock` returned. */
const reapedWithinMs = 1_000

const clients = /(^|\/)(kubectl|python3)$/

function clientsOf(mark: string, { ends = clients }: Stream): number[] {
  return markedPids(mark).filter((pid) => ends.test(read(pid, 'cmdline').split('\0')[0] ?? ''))
}

/** What stands between a person's terminal and a client: the supervisor, and the warden it started. */
export function supervisorsOf(mark: string): number[] {
  return markedPids(mark)
    .filter((pid) => (read(pid, 'cmdline').split('\0')[0] ?? '').endsWith('/kubeguard-supervisor'))
    .toSorted((one, other) => one - other)
}

function markedPids(mark: string): number[] {
  const marked = (pid: number): boolean => read(pid, 'environ').split('\0').includes(`${markName}=${mark}`)
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  return pids.map(Number).filter((pid) => marked(pid) && isRunning(pid))
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

/** An interactive bash of the attacked account, as a person has it. */
export function shellOf({ home, own }: Siege, mark: string): TestTerminal {
  const account = ['--reuid', String(own.uid), '--regid', String(own.gid), '--clear-groups']
  const bash = ['/bin/bash', '--norc', '--noprofile', '-i']
  return new TestTerminal(
    '/usr/bin/setpriv',
    [...account, ...bash],
    { ...home.env, PS1: 'ready> ', [markName]: mark },
    home.home,
  )
}

/** Starts it while unlocked, shows that it works, locks. @returns whether it lives or serves on. */
export async function outlives(siege: Siege, stream: Stream): Promise<boolean> {
  const { home, own } = siege
  await home.unlock('default')
  const mark = randomBytes(8).toString('hex')
  const out = join(home.home, `out-${mark}`)
  writeFileSync(out, '')
  chownSync(out, own.uid, own.gid)
  const line = stream.line.replaceAll('OUT', out)
  const shell = stream.on === 'terminal' ? shellOf(siege, mark) : undefined
  // A terminal also shows what was typed.
  const said = (): string => (stream.line.includes('OUT') ? readFileSync(out, 'utf8') : (shell?.output ?? ''))
  try {
    await shell?.shows('ready> ')
    if (shell === undefined) home.start('/bin/sh', ['-c', line], { [markName]: mark })
    else shell.type(`${line}\n`)
    await until(`${stream.name} to work`, () => stream.works.test(said()), { now: said })
    if (!(await serves(stream, said())))
      throw new Error(`${stream.name} serves nothing while unlocked\n${said()}`)
    if (clientsOf(mark, stream).length === 0) throw new Error(`${stream.name}: no client runs\n${said()}`)
    await stream.afterwards?.(clientsOf(mark, stream), siege, mark)
    await home.lock()
    return (await livesOn(mark, stream)) || (stream.serves !== undefined && (await serves(stream, said())))
  } finally {
    shell?.close()
    endMarked(mark)
  }
}

async function livesOn(mark: string, stream: Stream): Promise<boolean> {
  const gone = until('its end', () => clientsOf(mark, stream).length === 0, { withinMs: reapedWithinMs })
  return gone.then(
    () => false,
    () => true,
  )
}

/** Where it is to serve something: does it? */
async function serves({ serves: service }: Stream, said: string): Promise<boolean> {
  if (service === undefined) return true
  const address = service.address.exec(said)?.[1]
  if (address === undefined) throw new Error(`no address in ${said}`)
  try {
    const answer = await fetch(`http://${address}${service.path}`, { signal: AbortSignal.timeout(5_000) })
    return (await answer.text()).includes(service.answers)
  } catch {
    return false
  }
}

/** Ends all that was started under this mark. */
export function endMarked(mark: string): void {
  for (const pid of markedPids(mark)) endQuietly(pid)
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

/** @returns the letter that /proc/PID/status gives it; undefined once it is gone. */
export function stateOf(pid: number): string | undefined {
  return /^State:\s+(\w)/m.exec(read(pid, 'status'))?.[1]
}

/** Puts programs and other files of the attacked account into its home. */
export function plant({ home, own }: Siege, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(home.home, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text, { mode: 0o755 })
    chownSync(path, own.uid, own.gid)
  }
}
