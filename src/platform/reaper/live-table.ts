import { closeSync, constants, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { readOwnFile } from '../own-files.ts'
import type { Log, TreeRoot } from '../../usecases/ports.ts'

/** More clients than one person has; a longer file is nothing of ours. */
const mostBytes = 1024 * 1024
/** No ending takes longer than this before KILL, whatever a file says. */
const mostGraceMs = 10_000

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/**
 * Who was to be ended, on disk: for the next daemon, where this one and its reaper are killed at once. One line
 * each: pid, start time, grace, alone. No names, no secrets. It is not synced: it must outlive a process, not
 * the machine, and the first line says of which boot it speaks.
 */
export class LiveTable {
  readonly #path: string
  readonly #log: Log
  readonly #head = `kubeguard-live ${bootId()}\n`
  #fd: number | undefined
  #failed = false

  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
  }

  /** What an earlier daemon left, of this boot: pids may be others' by now, which their start time tells. */
  read(): TreeRoot[] {
    try {
      const text = readOwnFile(this.#path, mostBytes)?.toString('latin1') ?? ''
      return text.startsWith(this.#head) ? text.split('\n').flatMap(parse) : []
    } catch (error) {
      this.#log.warn('the table of live processes could not be read', { error: String(error) })
      return []
    }
  }

  add(root: TreeRoot): void {
    this.#attempt(() => {
      this.#fd ??= this.#create([])
      writeSync(this.#fd, lineOf(root))
    })
  }

  /** Writes it anew, whole or not at all. */
  replace(roots: readonly TreeRoot[]): void {
    this.#attempt(() => {
      this.#close()
      if (roots.length > 0) this.#fd = this.#create(roots)
      else rmSync(this.#path, { force: true })
    })
  }

  #create(roots: readonly TreeRoot[]): number {
    const temporary = `${this.#path}.new`
    rmSync(temporary, { force: true })
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    writeSync(fd, this.#head + roots.map(lineOf).join(''))
    renameSync(temporary, this.#path)
    return fd
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  /** A full disk stops nothing: the reaper knows them all the same. */
  #attempt(act: () => void): void {
    try {
      act()
      this.#failed = false
    } catch (error) {
      if (!this.#failed)
        this.#log.error('the table of live processes is not written', { error: String(error) })
      this.#failed = true
    }
  }
}

const lineOf = ({ id, graceMs, alone = false }: TreeRoot): string =>
  `${id.pid} ${id.startTicks} ${graceMs} ${alone ? 1 : 0}\n`

function parse(line: string): TreeRoot[] {
  const found = /^(\d{1,10}) (\d{1,15}) (\d{1,6}) ([01])$/.exec(line)
  if (found === null) return []
  const [pid, startTicks, graceMs, alone] = found.slice(1).map(Number) as [number, number, number, number]
  return [{ id: { pid, startTicks }, graceMs: Math.min(graceMs, mostGraceMs), alone: alone === 1 }]
}
