import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/** What /proc says of a process that may matter to a prompt. */
export interface ProcessStat {
  readonly pid: number
  /** One letter; T is stopped. */
  readonly state: string
  readonly ppid: number
  readonly pgrp: number
  readonly ttyDevice: number
  readonly startTicks: number
}

/** Linux reports times in /proc in units of 1/100 s to user space (USER_HZ, time(7)). */
const ticksPerSecond = 100

/** @returns undefined when there is no such process. */
export function processStat(pid: number | 'self'): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return undefined
  }
}

/** Fields of proc_pid_stat(5); the name in parentheses may hold anything, so fields count from the last one. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  return {
    pid: Number.parseInt(line, 10),
    state: fields[0] ?? '',
    ppid: field(4),
    pgrp: field(5),
    ttyDevice: field(7),
    startTicks: field(22),
  }
}

/** Age of a process in ms, on the clock that its start is counted on: time since boot, sleep included. */
export function processAgeMs(stat: ProcessStat): number {
  const uptimeSeconds = Number.parseFloat(readFileSync('/proc/uptime', 'latin1'))
  return Math.max(0, (uptimeSeconds - stat.startTicks / ticksPerSecond) * 1000)
}

/** Other processes of this process group that are not our ancestors: the rest of the pipeline. */
export function pipelineNeighbours(): ProcessStat[] {
  const own = processStat('self')
  if (own === undefined) return []
  const ancestors = new Set(ancestry(own).map((stat) => stat.pid))
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids
    .map((pid) => processStat(Number(pid)))
    .filter((stat) => stat !== undefined)
    .filter((stat) => stat.pgrp === own.pgrp && !ancestors.has(stat.pid))
}

/** This process first, then its parents, as far as they can be seen. */
function ancestry(from: ProcessStat): ProcessStat[] {
  const found = [from]
  for (let stat = processStat(from.ppid); stat !== undefined; stat = processStat(stat.ppid)) {
    found.push(stat)
    if (stat.pid <= 1 || found.length > 256) break
  }
  return found
}

/** Programs that only pass a command on; the one behind them is the client. */
const wrappers = new Set(['sh', 'bash', 'dash', 'zsh', 'fish', 'ksh', 'env', 'timeout', 'nice', 'stdbuf'])

/** Full-screen programs that bring a terminal library of their own, so that none shows in /proc/PID/maps. */
const fullScreenPrograms = new Set([
  'nvim',
  'hx',
  'helix',
  'micro',
  'k9s',
  'fzf',
  'lazygit',
  'lazydocker',
  'zellij',
  'yazi',
])
const terminalLibraries = /\/lib(?:tinfo|ncurses|slang)[^/]*\.so/

/**
 * An editor or browser that runs a command sets whole lines for that time and stays on the screen: a
 * question would stand in the midst of it, asked by a status line as likely as by the person.
 * @returns the name of such a program among our ancestors in this process group.
 */
export function fullScreenAncestor(): string | undefined {
  const own = processStat('self')
  if (own === undefined) return undefined
  return ancestry(own)
    .filter((stat) => stat.pid !== own.pid && stat.pgrp === own.pgrp)
    .map((stat) => ({ pid: stat.pid, name: programName(stat.pid) }))
    .find(
      ({ pid, name }) => !wrappers.has(name) && (fullScreenPrograms.has(name) || usesTerminalLibrary(pid)),
    )?.name
}

function usesTerminalLibrary(pid: number): boolean {
  try {
    return terminalLibraries.test(readFileSync(`/proc/${pid}/maps`, 'latin1'))
  } catch {
    return false
  }
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
  } catch {
    return []
  }
}

function programName(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`))
  } catch {
    return basename(commandLine(pid)[0] ?? '')
  }
}
