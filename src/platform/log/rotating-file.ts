import { closeSync, constants, fstatSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'

export interface RotationLimits {
  /** A file that has reached this size is put aside. */
  readonly mostBytes: number
  /** Files kept in all: `daemon.log`, `daemon.log.1`, … */
  readonly files: number
}

export const usualRotation: RotationLimits = { mostBytes: 1024 * 1024, files: 3 }

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants

/**
 * A file that lines are added to, for us alone, put aside when it is full. Each line is handed to the kernel
 * before `write` returns: what a process says last is what matters most after a crash. A line that can't be
 * written is dropped, and nothing is thrown: a log has no other place to say so.
 */
export class RotatingFile {
  readonly #path: string
  readonly #limits: RotationLimits
  #fd: number | undefined
  #bytes = 0

  constructor(path: string, limits: RotationLimits) {
    this.#path = path
    this.#limits = limits
  }

  write(line: string): void {
    try {
      this.#fd ??= this.#open()
      if (this.#bytes >= this.#limits.mostBytes) this.#rotate()
      this.#bytes += writeSync(this.#fd, line)
    } catch {
      // No folder, no right, no room.
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #open(): number {
    const fd = openSync(this.#path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
    this.#bytes = fstatSync(fd).size
    return fd
  }

  #rotate(): void {
    this.close()
    shift(this.#path, this.#limits.files)
    this.#fd = this.#open()
  }
}

/** `daemon.log` becomes `daemon.log.1` and so on; the oldest goes. @throws a system error. */
function shift(path: string, files: number): void {
  const named = (index: number): string => (index === 0 ? path : `${path}.${index}`)
  rmSync(named(files - 1), { force: true })
  for (let index = files - 2; index >= 0; index -= 1) {
    if (statSync(named(index), { throwIfNoEntry: false }) !== undefined)
      renameSync(named(index), named(index + 1))
  }
}
