import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { machineDigest } from '../../platform/cluster/session-objects.ts'
import { dirs } from '../../platform/dirs.ts'
import { hasEnded, linkTarget, readProcStat } from '../../platform/processes/proc-stat.ts'

/** This account on this machine, as its sessions' objects in a cluster name it. */
export interface OwnMachine {
  readonly host: string
  readonly account: string
  /** Of this machine, account and folder of ours: whose leftovers we may judge. */
  readonly digest: string
  /** This keeper, so that a later one can see that it is gone. */
  readonly keeper: string
}

export function ownMachine(): OwnMachine {
  const { username, uid } = userInfo()
  const stat = readProcStat(process.pid)
  return {
    host: hostname(),
    account: username,
    // Copies of a machine have its id, and each its own name.
    digest: machineDigest(readText('/etc/machine-id') ?? '', hostname(), String(uid), dirs().state),
    keeper: [process.pid, stat?.startTicks ?? 0, ...surroundings()].join(' '),
  }
}

/** A pid says nothing after the next boot, nor in another container. */
function surroundings(): string[] {
  return [
    readText('/proc/sys/kernel/random/boot_id') ?? '',
    linkTarget('/proc/self/ns/pid').replaceAll(/\D/g, ''),
  ]
}

/** Is the keeper that this names surely gone? Never of one that could not be seen from here. */
export function isKeeperGone(keeper: string): boolean {
  const [pid, startTicks, bootId, namespace, ...rest] = keeper.split(' ')
  if (rest.length > 0 || !/^\d{1,10}$/.test(pid ?? '') || namespace === undefined) return false
  const [ourBoot, ourNamespace] = surroundings()
  if (bootId === '' || namespace === '') return false
  if (bootId !== ourBoot) return true
  if (namespace !== ourNamespace) return false
  const stat = readProcStat(Number(pid))
  return stat === undefined || hasEnded(stat) || String(stat.startTicks) !== startTicks
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}
