import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { dirs, places } from '../../platform/dirs.ts'
import { installRoot } from '../../platform/install.ts'
import { getrlimit, resource } from '../../platform/libc.ts'
import { formatDuration } from '../duration.ts'
import type { ServiceState } from '../service/service-state.ts'
import { note, problem } from './finding.ts'
import type { Finding } from './finding.ts'

/** What the machine does to secrets in memory, and to time. */
export function machineFindings(service: ServiceState | undefined): Finding[] {
  return [
    ...swapFindings(read('/proc/swaps'), isDmCrypt, service),
    ...ptraceFindings(read('/proc/sys/kernel/yama/ptrace_scope')),
    ...coreFindings(read('/proc/sys/kernel/core_pattern'), getrlimit(resource.core).soft),
    ...clockFindings(Date.now(), latestOwnMs()),
    ...departureFindings(existsSync),
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

/** What `lockOn` needs: a log-in manager (sd_booted(3) asks for that folder of it, elogind has it, too), its bus, and a way to delay sleep. */
export function departureFindings(exists: (path: string) => boolean): Finding[] {
  if (!exists('/run/systemd/seats') || !exists('/run/dbus/system_bus_socket')) {
    return [
      note(
        'departures',
        'no log-in manager tells here that the screen is locked or that you log out; that the machine slept is seen with the next request',
        'the idle limit locks all the same; where that is too long, run: kubeguard lock, as you leave',
      ),
    ]
  }
  if (
    ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin'].some((folder) =>
      exists(`${folder}/systemd-inhibit`),
    )
  )
    return []
  return [
    note(
      'departures',
      'the machine may sleep before the lock stands: systemd-inhibit is missing',
      'install it (with systemd or elogind); until then the lock stands by the time of the first request after the sleep',
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

/**
 * Secrets in memory reach the disk by swap, unless it is encrypted or held in memory itself. The service keeps the keepers
 * out of it; clients, which have a credential while they run, are where their shell is.
 */
export function swapFindings(
  swaps: string,
  isEncrypted: (device: string) => boolean = isDmCrypt,
  service?: Pick<ServiceState, 'hasManager' | 'daemon'>,
): Finding[] {
  const devices = swaps
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => line.split(/\s/)[0] ?? '')
  return devices
    .filter((device) => !basename(device).startsWith('zram') && !isEncrypted(device))
    .map((device) =>
      service?.daemon?.unswapped === true
        ? note(
            'swap',
            `${device} swaps clients’ memory to disk unencrypted; the keepers’ is kept out of it`,
            'encrypt it (crypttab), use zram, or run: swapoff -a',
          )
        : problem('swap', `${device} swaps memory to disk unencrypted`, swapCure(service)),
    )
}

function swapCure(service: Pick<ServiceState, 'hasManager' | 'daemon'> | undefined): string {
  const cure = 'encrypt it (crypttab), use zram, or run: swapoff -a'
  if (service?.hasManager !== true) return cure
  return service.daemon?.byService === true
    ? `${cure}; the service can’t keep the daemon out of it here, for its memory is not under control of this account`
    : `run: kubeguard service install, then: kubeguard daemon restart, which keeps the keepers out of it; or ${cure}`
}

/** The device mapper names an encrypted device's kind in its uuid: CRYPT-… */
function isDmCrypt(device: string): boolean {
  return read(join('/sys/class/block', basename(device), 'dm', 'uuid')).startsWith('CRYPT-')
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
