import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const pollMs = 20

/** Waits for a process to end. @returns whether it did within `waitMs` */
export async function goneWithin(
  pid: number,
  startTicks: number | undefined,
  waitMs: number,
): Promise<boolean> {
  const giveUpAt = performance.now() + waitMs
  for (;;) {
    if (startTicks === undefined || startOf(pid) !== startTicks) return true
    if (performance.now() > giveUpAt) return false
    await pause(pollMs)
  }
}

/**
 * Field 22 of /proc/PID/stat, so that a recycled pid is another process; undefined when it is gone: a zombie
 * without other threads. While one of them is left, so are its lock and its socket.
 */
export function startOf(pid: number): number | undefined {
  const text = readProc(`/proc/${pid}/stat`)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields === undefined || fields[0] === 'X') return undefined
  if (fields[0] === 'Z' && threadsOf(pid) <= 1) return undefined
  return Number(fields[19])
}

function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length
  } catch {
    return 0
  }
}

/** A file of /proc, as text; undefined where it is gone, or closed to us. */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
