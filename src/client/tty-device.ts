import { closeSync, constants, openSync, statSync } from 'node:fs'
import { processStat } from './tty-process.ts'

/** The controlling terminal, opened for us alone: its own file description, so O_NONBLOCK stays ours. */
export interface Terminal {
  readonly fd: number
  /** `/dev/pts/3`; `/dev/tty` where the device has no name that we know. */
  readonly path: string
  close(): void
}

/** @returns undefined where this process has no terminal. */
export function openTerminal(): Terminal | undefined {
  try {
    const fd = openSync('/dev/tty', constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY)
    return { fd, path: terminalPath(), close: () => closeSync(fd) }
  } catch {
    return undefined
  }
}

function terminalPath(): string {
  const device = processStat('self')?.ttyDevice ?? 0
  return deviceName(device) ?? '/dev/tty'
}

/** Unix98 slaves have majors 136 to 143, consoles and serial lines major 4 (Linux' devices.txt). */
export function deviceName(device: number): string | undefined {
  const major = (device >> 8) & 0xfff
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00)
  if (major >= 136 && major <= 143) return `/dev/pts/${minor + (major - 136) * 256}`
  if (major === 4) return minor < 64 ? `/dev/tty${minor}` : `/dev/ttyS${minor - 64}`
  return undefined
}

export interface InputTime {
  readonly ageMs: number
  /** Nobody has read a key from it yet: the time is that of its opening. */
  readonly fresh: boolean
}

/**
 * When was something typed at this terminal that a program read? The kernel moves the access time of the
 * device then, to a whole second and in steps of 8 s (tty_update_time() in Linux); an access time with
 * nanoseconds is still the one of its opening. A negative age lies in the future and proves nothing.
 */
export function inputTime(path: string, nowMs: number = Date.now()): InputTime | undefined {
  const facts = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (facts === undefined || !facts.isCharacterDevice()) return undefined
  return { ageMs: nowMs - Number(facts.atimeMs), fresh: facts.atimeNs % 1_000_000_000n !== 0n }
}
