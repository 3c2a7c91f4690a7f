import { readlinkSync, statSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import type { ProcessFacts } from '../../usecases/ports.ts'

const folder = '/dev/pts'

/** Unix98 terminals have this major number, and their index as the minor one (Linux' devices.txt). */
const firstMajor = 136

/** Where on our devpts a device number of /proc/PID/stat would be; undefined for other kinds of terminal. */
export function pathOfDevice(ttyDevice: number): string | undefined {
  const device = ttyDevice >>> 0
  const major = (device >>> 8) & 0xfff
  // new_encode_dev() in Linux' kdev_t.h: the low 8 bits of the minor number, the major, then the rest.
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00)
  return device !== 0 && major === firstMajor ? `${folder}/${minor}` : undefined
}

/** @returns facts of the device when it is that terminal, on the devpts that we see. */
export function statTerminal(path: string, ttyDevice: number): BigIntStats | undefined {
  const facts = statOf(path)
  if (facts === undefined || !facts.isCharacterDevice() || facts.rdev !== BigInt(ttyDevice >>> 0))
    return undefined
  return facts.dev === statOf(folder)?.dev ? facts : undefined
}

/**
 * Is the process' terminal this very device? A container has a devpts of its own, whose terminals can
 * have the same device numbers: what decides is the file system of one that the process, or the leader
 * of its session, has open; where none is, that it sees the same mounts as we do.
 */
export function isSameTerminal(process: ProcessFacts, device: BigIntStats): boolean {
  for (const pid of [process.pid, process.session]) {
    for (const fd of [0, 1, 2]) {
      const open = statOf(`/proc/${pid}/fd/${fd}`)
      if (open?.isCharacterDevice() && open.rdev === device.rdev) return open.dev === device.dev
    }
  }
  return mountsOf(String(process.pid)) === mountsOf('self')
}

function mountsOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`)
  } catch {
    return `of ${pid}`
  }
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true })
  } catch {
    return undefined
  }
}
