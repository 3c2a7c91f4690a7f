import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'

/**
 * Which process made a lock or a temporary file, so that a dead one's can be cleared away. Written as
 * `PID-STARTTICKS-PLACE`; the place stands for this boot and pid namespace, outside of which a pid says nothing.
 */
export function ownOwner(): string {
  return `${process.pid}-${startTicks(process.pid) ?? 0}-${ownPlace()}`
}

export const ownerPattern = '[0-9]+-[0-9]+-[0-9a-f]{8}'

/** Ours are held for milliseconds: one of another boot or pid namespace that is this old was left behind. */
const leftBehindMs = 60_000

/** @param modifiedMs wall-clock time of the owner's last write */
export function isOwnerDead(owner: string, modifiedMs: number): boolean {
  const [pid, ticks, place] = owner.split('-')
  if (place !== ownPlace()) return Date.now() - modifiedMs > leftBehindMs
  return String(startTicks(Number(pid))) !== ticks
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)); undefined for a process that is gone or a zombie. */
function startTicks(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19])
  } catch {
    return undefined
  }
}

let place: string | undefined

function ownPlace(): string {
  place ??= createHash('sha256')
    .update(readFileSync('/proc/sys/kernel/random/boot_id'))
    .update(readlinkSync('/proc/self/ns/pid'))
    .digest('hex')
    .slice(0, 8)
  return place
}
