import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { endianness } from 'node:os'
import { setTerminalSettings, terminalSettings } from '../libc.ts'
import { readProcStat } from './proc-stat.ts'

/** Unix98 pseudo-terminals have the majors 136 to 143 (Documentation/admin-guide/devices.txt). */
const firstMajor = 136
const lastMajor = 143

/** Offsets into struct termios, and the flags of `stty sane` (asm-generic/termbits.h). */
const inputFlags = { at: 0, sane: 0o2 | 0o400 | 0o2000 }
const outputFlags = { at: 4, sane: 0o1 | 0o4 }
const localFlags = { at: 12, sane: 0o1 | 0o2 | 0o10 | 0o20 | 0o40 | 0o100000 }
const canonical = 0o2

/**
 * Gives the terminal its lines and its echo back, for a process that is in its foreground and about to be
 * killed: one that had it in raw mode can't do so itself. What native/reaper/terminal.c does.
 */
export function mendTerminal(pid: number): void {
  const stat = readProcStat(pid)
  if (stat === undefined || stat.ttyDevice === 0 || stat.foregroundPgrp !== stat.pgrp) return
  const fd = openTerminal(stat.ttyDevice)
  if (fd === undefined) return
  try {
    const settings = terminalSettings(fd)
    if ((flag(settings, localFlags.at) & canonical) !== 0) return
    for (const { at, sane } of [inputFlags, outputFlags, localFlags]) setFlag(settings, at, sane)
    setTerminalSettings(fd, settings)
  } catch {
    // It hung up: nothing to mend.
  } finally {
    closeSync(fd)
  }
}

/** O_NOCTTY, and closed at once: the terminal must not become ours, nor stay open because of us. */
function openTerminal(device: number): number | undefined {
  // proc_pid_stat(5): the minor is in bits 31 to 20 and 7 to 0, the major in 15 to 8.
  const major = (device >>> 8) & 0xfff
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00)
  if (major < firstMajor || major > lastMajor) return undefined
  const { O_RDWR, O_NOCTTY, O_NONBLOCK, O_NOFOLLOW } = constants
  let fd: number | undefined
  try {
    fd = openSync(
      `/dev/pts/${(major - firstMajor) * 256 + minor}`,
      O_RDWR | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW,
    )
    // Another devpts has other terminals under the same names.
    if (fstatSync(fd).rdev === device) return fd
    closeSync(fd)
  } catch {
    // Not ours, or gone.
  }
  return undefined
}

const little = endianness() === 'LE'
const flag = (settings: Buffer, at: number): number =>
  little ? settings.readUInt32LE(at) : settings.readUInt32BE(at)

function setFlag(settings: Buffer, at: number, bits: number): void {
  const value = (flag(settings, at) | bits) >>> 0
  if (little) settings.writeUInt32LE(value, at)
  else settings.writeUInt32BE(value, at)
}
