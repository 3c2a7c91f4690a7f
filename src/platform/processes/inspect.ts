import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { isInteractiveShell } from '../../domain/ending.ts'
import type { Ancestor } from '../../domain/holder.ts'
import { isShell } from '../../domain/programs.ts'
import type { ProcessFacts, ProcessId } from '../../usecases/ports.ts'
import { hasEnded, readProcStat } from './proc-stat.ts'
import type { ProcStat } from './proc-stat.ts'

/** Longer ancestries than this are not followed. */
const mostAncestors = 128

/** @returns undefined when the process is gone. */
export function inspectProcess(pid: number): ProcessFacts | undefined {
  const stat = readProcStat(pid)
  return stat === undefined ? undefined : factsOf(stat)
}

/** Completes a line of the process table with the program's name and owner. */
export function factsOf(stat: ProcStat): ProcessFacts {
  const program = programOf(stat)
  const { pid, startTicks, ppid, pgrp, session, ttyDevice, foregroundPgrp, state } = stat
  const facts = {
    pid,
    startTicks,
    ppid,
    pgrp,
    session,
    ttyDevice,
    foregroundPgrp,
    state,
    program,
  }
  return isShell(program) ? { ...facts, args: argsOf(pid) } : facts
}

/** Is this very process, and not one with a recycled pid, still running? A zombie is not. */
export function isAlive(id: ProcessId): boolean {
  // Mostly asked of those that are gone: reading would cost an exception.
  if (!existsSync(`/proc/${id.pid}`)) return false
  const stat = readProcStat(id.pid)
  return stat !== undefined && stat.startTicks === id.startTicks && !hasEnded(stat)
}

/**
 * Completion scripts that cobra writes put its hidden command first: `__complete` or `__completeNoDesc`. bash tells a
 * program that completes for itself by COMP_LINE (bash(1), `complete -C`), argcomplete by a variable of its own.
 */
export function isCompletion(pid: number): boolean {
  if (argsOf(pid)[0]?.startsWith('__complete') === true) return true
  return environmentOf(pid).some((entry) => /^(COMP_LINE|_ARGCOMPLETE)=/.test(entry))
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return []
  }
}

/** Arguments without argv[0]; none where they can't be read. */
export function argsOf(pid: number): string[] {
  return commandLine(pid).slice(1)
}

/**
 * The process itself first, as it is given or found, then its parents, up to pid 1 or one that can't be seen.
 * Pid 0 stands for a process of another pid namespace (SO_PEERCRED says so), of which nothing can be said.
 */
export function* ancestryOf(first: number | ProcessFacts): Generator<Ancestor> {
  if (first === 0) yield { pid: 0, startTicks: 0, program: '', hasTerminal: false }
  const from = typeof first === 'number' ? readProcStat(first) : first
  if (from === undefined) return
  for (const one of familyOf<ProcStat | ProcessFacts>(from)) {
    const facts = 'program' in one ? one : factsOf(one)
    yield {
      pid: facts.pid,
      startTicks: facts.startTicks,
      program: facts.program,
      hasTerminal: facts.ttyDevice !== 0,
      interactiveShell: isInteractiveShell(facts),
    }
  }
}

/** The processes of `ancestryOf`, one stat line each, read as far as the caller goes. */
export function lineageOf(from: Child): Iterable<ProcessId> {
  return familyOf(from)
}

type Child = ProcessId & { readonly ppid: number }

/** A process and its parents. */
function* familyOf<Self extends Child>(from: Self): Generator<Self | ProcStat> {
  let stat: Self | ProcStat | undefined = from
  for (let count = 0; stat !== undefined && count < mostAncestors; count += 1) {
    yield stat
    stat = parentOf(stat)
  }
}

/** A parent may exit, and its pid be given away, between two reads: a real parent is never younger. */
function parentOf(child: Child): ProcStat | undefined {
  const parent = readProcStat(child.ppid)
  if (parent !== undefined && parent.startTicks <= child.startTicks) return parent
  const again = readProcStat(child.pid)
  return again === undefined || again.ppid === child.ppid ? undefined : readProcStat(again.ppid)
}

/**
 * Base name of the executable; of argv[0] where the executable may not be read (another user's
 * process, or one that is not dumpable) or stands for many programs (busybox).
 */
function programOf(stat: ProcStat): string {
  const executable = executableOf(stat.pid)
  if (executable !== undefined && !/^(busybox|toybox|coreutils)/.test(executable)) return executable
  // Daemons write their state there, after a colon: `sshd: me@pts/3`, `tmux: server`.
  const title = (commandLine(stat.pid)[0] ?? '').split(/[:\s]/)[0] as string
  return basename(title).replace(/^-/, '') || executable || stat.comm
}

function executableOf(pid: number): string | undefined {
  const path = executablePath(pid)
  return path === undefined ? undefined : basename(path).replace(/ \(deleted\)$/, '')
}

/** The path of a process's program, without links; undefined where that can't be seen. */
export function executablePath(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return undefined
  }
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0$/, '').split('\0')
  } catch {
    return []
  }
}
