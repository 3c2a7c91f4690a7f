import { existsSync, readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { dirs, places } from '../../platform/dirs.ts'
import { installRoot } from '../../platform/install.ts'
import { getrlimit, resource } from '../../platform/libc.ts'
import { formatDuration } from '../duration.ts'
import { note, problem } from './finding.ts'
import type { Finding } from './finding.ts'

/** What the machine does to secrets in memory, and to time. */
export function machineFindings(): Finding[] {
  return [
    ...swapFindings(read('/proc/swaps')),
    ...ptraceFindings(read('/proc/sys/kernel/yama/ptrace_scope')),
    ...coreFindings(read('/proc/sys/kernel/core_pattern'), getrlimit(resource.core).soft),
    ...clockFindings(Date.now(), latestOwnMs()),
    ...serviceFindings(),
  ]
}

/** Keepers can’t be traced in any case; the shells and clients of an unlocked session can (Yama, ptrace(2)). */
export function ptraceFindings(scope: string): Finding[] {
  if (/^[123]/.test(scope)) return []
  return [
    note(
      'ptrace',
      'every process of yours may look into the memory of your others (ptrace), clients with a credential among them',
      scope === ''
        ? 'use a kernel with Yama (CONFIG_SECURITY_YAMA)'
        : 'set kernel.yama.ptrace_scope = 1 in /etc/sysctl.d, then run: sysctl --system',
    ),
  ]
}

/** Keepers leave none; a client that crashes does, with its credential in it (core(5)). */
export function coreFindings(pattern: string, softLimit: bigint): Finding[] {
  if (pattern.startsWith('|')) {
    return [
      note(
        'core-dumps',
        `crashed clients are kept on disk, credential included, by: ${pattern.slice(1).trim().split(' ')[0]}`,
        'with systemd-coredump set Storage=none in /etc/systemd/coredump.conf',
      ),
    ]
  }
  if (softLimit === 0n || pattern.trim() === '') return []
  return [
    note(
      'core-dumps',
      'a client that crashes leaves its memory on disk, credential included',
      'put into your start-up file: ulimit -c 0',
    ),
  ]
}

/** More than any daylight saving or time zone gone wrong leaves in files, less than what hurts. */
const clockToleranceMs = 60_000

/** Limits hold on the clock that nobody sets as well; tokens and certificates know the wall clock alone. */
export function clockFindings(nowMs: number, latestMs: number): Finding[] {
  if (latestMs - nowMs < clockToleranceMs) return []
  return [
    note(
      'clock',
      `the clock is ${formatDuration(latestMs - nowMs)} behind the time at which kubeguard last wrote`,
      'set it by the network: timedatectl set-ntp true',
    ),
  ]
}

function latestOwnMs(): number {
  const found = dirs()
  const files = [join(installRoot(), 'package.json'), places.journal(found), places.lockFile(found)]
  return Math.max(0, ...files.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0))
}

/** Secrets in memory reach the disk by swap, unless it is encrypted or held in memory itself. */
export function swapFindings(swaps: string, isEncrypted: (device: string) => boolean = isDmCrypt): Finding[] {
  const devices = swaps
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => line.split(/\s/)[0] ?? '')
  return devices
    .filter((device) => !basename(device).startsWith('zram') && !isEncrypted(device))
    .map((device) =>
      problem(
        'swap',
        `${device} swaps memory to disk unencrypted`,
        'encrypt it (crypttab), use zram, or run: swapoff -a',
      ),
    )
}

/** The device mapper names an encrypted device's kind in its uuid: CRYPT-… */
function isDmCrypt(device: string): boolean {
  return read(join('/sys/class/block', basename(device), 'dm', 'uuid')).startsWith('CRYPT-')
}

function serviceFindings(): Finding[] {
  const unit = join(userInfo().homedir, '.config', 'systemd', 'user', 'kubeguard.service')
  if (existsSync(unit) || !existsSync('/run/systemd/system')) return []
  return [
    note(
      'no-service',
      'no service unit: the daemon starts at first use, and its memory may be swapped',
      'nothing to do where swap is off or encrypted',
    ),
  ]
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
