import { readdirSync, readFileSync } from 'node:fs'
import type { ProcessId } from '../../usecases/ports.ts'
import { linkTarget, readProcStat } from './proc-stat.ts'

/** Who has one end of a TCP connection, as proc_net_tcp(5) says. */
export interface SocketOwner {
  readonly uid: number
  readonly inode: string
}

/** 127.0.0.1 as the tables have it, in the byte order of every machine that we build for; the second for sockets that speak both. */
const loopbacks = { tcp: '0100007F', tcp6: '0000000000000000FFFF00000100007F' } as const
const established = '01'

/**
 * The process end of a connection over loopback.
 *
 * @param port of the end that is looked for
 * @param other the port that it is connected to
 * @returns undefined where there is none, or none that is seen from this network namespace
 */
export function socketOwner(port: number, other: number): SocketOwner | undefined {
  for (const table of ['tcp', 'tcp6'] as const) {
    const found = ownerIn(
      readTable(table),
      `${loopbacks[table]}:${hex(port)}`,
      `${loopbacks[table]}:${hex(other)}`,
    )
    if (found !== undefined) return found
  }
  return undefined
}

/** Fields: sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode … */
function ownerIn(table: string, local: string, remote: string): SocketOwner | undefined {
  const at = table.indexOf(` ${local} ${remote} ${established} `)
  if (at < 0) return undefined
  const fields = table
    .slice(at + 1, table.indexOf('\n', at))
    .trim()
    .split(/\s+/)
  const [uid, inode] = [Number(fields[6]), fields[8]]
  // Inode 0: closed meanwhile, and nobody's.
  return inode === undefined || inode === '0' || !Number.isSafeInteger(uid) ? undefined : { uid, inode }
}

const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')

function readTable(name: string): string {
  try {
    return readFileSync(`/proc/net/${name}`, 'latin1')
  } catch {
    return ''
  }
}

/** Has this very process the socket open? Not known, and so no, where its descriptors can't be seen. */
export function holdsSocket(process: ProcessId, inode: string): boolean {
  return readProcStat(process.pid)?.startTicks === process.startTicks && hasSocket(process.pid, inode)
}

/** @returns a process that has the socket open; looks at every process that can be seen. */
export function processWithSocket(inode: string): number | undefined {
  return readdirSync('/proc')
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .find((pid) => hasSocket(pid, inode))
}

function hasSocket(pid: number, inode: string): boolean {
  const folder = `/proc/${pid}/fd`
  const wanted = `socket:[${inode}]`
  try {
    return readdirSync(folder).some((name) => linkTarget(`${folder}/${name}`) === wanted)
  } catch {
    return false
  }
}
