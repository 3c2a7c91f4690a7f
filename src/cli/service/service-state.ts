import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { daemonIsRunning, callDaemon } from '../../client/call.ts'
import { GuardError } from '../../domain/errors.ts'
import type { DaemonReport } from '../../protocol/reports.ts'
import { managerAnswers, showUnits } from './systemctl.ts'
import type { UnitProperties } from './systemctl.ts'
import { serviceName, socketName, units } from './unit-files.ts'
import type { Unit } from './unit-files.ts'

export interface ServiceState {
  /** A user’s systemd answers. */
  readonly hasManager: boolean
  readonly units: readonly Unit[]
  readonly isEnabled: boolean
  /** systemd listens, or has handed its socket to the daemon. */
  readonly isListening: boolean
  /** Unit files that systemd reads in place of ours. */
  readonly readInstead: readonly string[]
  readonly daemon?: {
    readonly pid: number
    readonly byService: boolean
    /** Its memory and that of its keepers is not swapped, as the kernel has it. */
    readonly unswapped: boolean
  }
}

/** What is on disk, what systemd makes of it, and who started the daemon that runs. Starts none. */
export async function serviceState(): Promise<ServiceState> {
  const found = units()
  const hasManager = await managerAnswers()
  const [service, socket] = hasManager
    ? await showUnits([serviceName, socketName], ['FragmentPath', 'ActiveState', 'UnitFileState'])
    : [undefined, undefined]
  const daemon = await runningDaemon()
  return {
    hasManager,
    units: found,
    isEnabled: socket?.['UnitFileState'] === 'enabled',
    isListening: socket?.['ActiveState'] === 'active',
    readInstead: [...readInstead(found[0], service), ...readInstead(found[1], socket)],
    ...(daemon !== undefined && { daemon }),
  }
}

function readInstead(unit: Unit | undefined, properties: UnitProperties | undefined): string[] {
  const path = properties?.['FragmentPath'] ?? ''
  return unit === undefined || unit.state === 'missing' || path === '' || path === unit.path ? [] : [path]
}

/** Is all as `service install` leaves it? */
export function isInstalled(state: ServiceState): boolean {
  return (
    state.units.every(({ state: unit }) => unit === 'right') &&
    state.isEnabled &&
    state.isListening &&
    state.readInstead.length === 0
  )
}

async function runningDaemon(): Promise<ServiceState['daemon']> {
  try {
    if (!(await daemonIsRunning())) return undefined
    const { pid, byService } = (await callDaemon('daemon.status', {}, { start: false }))
      .report as DaemonReport
    return { pid, byService: byService === true, unswapped: isUnswapped(pid) }
  } catch (error) {
    // One of another version, or a hanging one, is told by others.
    if (error instanceof GuardError) return undefined
    throw error
  }
}

/** memory.swap.max of the process's cgroup or of one above it (cgroups(7), version 2). */
export function isUnswapped(pid: number, root = '/sys/fs/cgroup', proc = '/proc'): boolean {
  const path = /^0::\/(.*)$/m.exec(read(join(proc, String(pid), 'cgroup')))?.[1]
  if (path === undefined) return false
  const parts = path.split('/')
  return parts.some(
    (_, index) => read(join(root, ...parts.slice(0, index + 1), 'memory.swap.max')).trim() === '0',
  )
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
