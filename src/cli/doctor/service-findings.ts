import { GuardError } from '../../domain/errors.ts'
import { isInstalled, serviceState } from '../service/service-state.ts'
import type { ServiceState } from '../service/service-state.ts'
import { notOurs } from '../service/unit-files.ts'
import { note } from './finding.ts'
import type { Finding } from './finding.ts'

/** The service is a comfort: without it the daemon starts at first use. So nothing here is a problem. */
export function serviceFindings(state: ServiceState): Finding[] {
  if (!state.hasManager) return []
  const unit = state.units.find(notOurs)
  if (unit !== undefined)
    return [
      note(
        'service',
        `${unit.path} is not as kubeguard wrote it`,
        `look at it, and put changes into a drop-in (systemctl --user edit ${unit.name}), then run: kubeguard service install --replace`,
      ),
    ]
  if (state.units.every((each) => each.state === 'missing'))
    return [
      note(
        'no-service',
        'no service unit: the daemon starts at first use, and its memory may be swapped',
        'run: kubeguard service install',
      ),
    ]
  if (!isInstalled(state))
    return [
      note(
        'service',
        'the service is not whole: units of another version or place, or systemd does not listen',
        'run: kubeguard service install',
      ),
    ]
  if (state.daemon === undefined || state.daemon.byService) return []
  return [
    note(
      'service',
      'the daemon that runs was not started by the service: its memory may be swapped',
      'have the service take over, which locks: kubeguard daemon restart',
    ),
  ]
}

/** @returns undefined where systemd can’t be asked. */
export async function askService(): Promise<ServiceState | undefined> {
  try {
    return await serviceState()
  } catch (error) {
    if (error instanceof GuardError) return undefined
    throw error
  }
}
