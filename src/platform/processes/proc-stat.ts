import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The fields of /proc/PID/stat that we use (proc_pid_stat(5)). */
export interface ProcStat {
  readonly pid: number
  /** Kernel's name of the process, at most 15 bytes; the process may choose it. */
  readonly comm: string
  /** One letter: R, S, D, T (stopped), t (traced), Z (zombie), X (dead), I (idle kernel thread). */
  readonly state: string
  readonly ppid: number
  readonly pgrp: number
  readonly session: number
  readonly ttyDevice: number
  readonly foregroundPgrp: number
  readonly startTicks: number
}

/**
 * Parses a stat line. The name stands in parentheses and may itself hold blanks, parentheses and
 * newlines, so it ends at the last `)`. @returns undefined for a line of another shape.
 */
export function parseProcStat(line: string): ProcStat | undefined {
  const open = line.indexOf(' (')
  const close = line.lastIndexOf(') ')
  if (open < 0 || close < open) return undefined
  const fields = line.slice(close + 2).split(' ')
  // The first of these is field 3 of the manual page.
  const field = (number: number): number => Number(fields[number - 3])
  const stat: ProcStat = {
    pid: Number(line.slice(0, open)),
    comm: line.slice(open + 2, close),
    state: fields[0] as string,
    ppid: field(4),
    pgrp: field(5),
    session: field(6),
    ttyDevice: field(7),
    foregroundPgrp: field(8),
    startTicks: field(22),
  }
  return Number.isSafeInteger(stat.pid) && Number.isSafeInteger(stat.startTicks) ? stat : undefined
}

/** @returns undefined when the process is gone or hidden (hidepid). */
export function readProcStat(pid: number): ProcStat | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
  try {
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** Every process that can be seen, by pid, in one pass. */
export function scanProcesses(): Map<number, ProcStat> {
  const found = new Map<number, ProcStat>()
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0)
    if (first < 0x31 || first > 0x39) continue
    const stat = readProcStat(Number(name))
    if (stat !== undefined) found.set(stat.pid, stat)
  }
  return found
}

/** Zombies and what is just being taken down do nothing any more. */
export const hasEnded = (stat: ProcStat): boolean =>
  stat.state === 'Z' || stat.state === 'X' || stat.state === 'x'

export const isStopped = (stat: ProcStat): boolean => stat.state === 'T' || stat.state === 't'

/** Where a link of /proc leads; empty where it is gone by now, or not to be seen. */
export function linkTarget(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
