import { closeSync } from 'node:fs'
import { constants } from 'node:os'
import type { ProcessId } from '../../usecases/ports.ts'
import { pidfdOpen, pidfdSignal } from '../libc.ts'
import { isAlive } from './inspect.ts'

/**
 * Signals this very process, and never another that has its pid by now: through a descriptor of it
 * (pidfd_open(2), Linux 5.3), checked to be the right one after it was opened.
 * @returns false where we may not signal it. One that is gone is fine.
 */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): boolean {
  const fd = pidfdOpen(id.pid)
  try {
    if (!isAlive(id)) return true
    if (fd >= 0) return pidfdSignal(fd, constants.signals[signal]) !== 'EPERM'
    process.kill(id.pid, signal)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EPERM'
  } finally {
    if (fd >= 0) closeSync(fd)
  }
}
