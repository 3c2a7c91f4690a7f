import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { note, problem } from './finding.ts'
import type { Finding } from './finding.ts'

/** What the machine does to secrets in memory. */
export function machineFindings(): Finding[] {
  return [...swapFindings(read('/proc/swaps')), ...serviceFindings()]
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
