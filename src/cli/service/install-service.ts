import { GuardError } from '../../domain/errors.ts'
import { dirs } from '../../platform/dirs.ts'
import { say, sayStep } from '../output.ts'
import { readStatus } from '../unlock-session.ts'
import { serviceState } from './service-state.ts'
import type { ServiceState } from './service-state.ts'
import { managerAnswers, systemctl } from './systemctl.ts'
import {
  checkUnits,
  removeUnits,
  serviceName,
  socketName,
  unitFolder,
  units,
  writeUnits,
} from './unit-files.ts'
import type { Unit } from './unit-files.ts'

/**
 * Writes both units, and has systemd listen from now on and at each log-in. May be run again.
 * @throws GuardError `service-unavailable` where no manager answers or it does not take them; `service-changed` where a
 *   unit was changed by hand and `replace` is not given.
 */
export async function installService({ replace }: { replace: boolean }): Promise<void> {
  if (!(await managerAnswers())) throw noManager()
  const wanted = units()
  checkUnits(wanted, replace)
  const written = writeUnits(wanted)
  await systemctl('daemon-reload')
  // After too many crashes systemd does not start it again by itself.
  await systemctl('reset-failed', serviceName, socketName).catch(() => undefined)
  await systemctl('enable', '--now', socketName)
  const state = await serviceState()
  checkTaken(state)
  sayStep(
    written.length === 0 ? 'service: the units are as they should be' : `service: ${written.join(', ')}`,
  )
  await takeOver(state, written.length > 0)
}

function checkTaken({ readInstead, isListening }: ServiceState): void {
  if (readInstead.length > 0)
    throw new GuardError('service-unavailable', `systemd reads ${readInstead.join(', ')} in place of ours`, {
      cure: `move it away, or have systemd look into ${unitFolder()}, then run: kubeguard service install`,
    })
  if (!isListening)
    throw new GuardError('service-unavailable', 'systemd does not listen for kubeguard', {
      cure: `see why: systemctl --user status ${socketName}`,
    })
}

/** A daemon that runs already is of the old kind. While everything is locked it costs nobody anything to change it. */
async function takeOver({ daemon }: ServiceState, changed: boolean): Promise<void> {
  if (daemon === undefined || (daemon.byService && !changed)) return
  const { sessions } = await readStatus({ start: false })
  if (sessions.some(({ state }) => state !== 'locked'))
    return say(
      'the daemon that runs goes on as it was started, for a session is open',
      'have the service take over, which locks: kubeguard daemon restart',
    )
  const { stopDaemon } = await import('../../client/stop-daemon.ts')
  const { startDaemon } = await import('../../client/start-daemon.ts')
  await stopDaemon()
  const socket = await startDaemon(dirs())
  socket.destroy()
}

/**
 * Takes the service away: systemd ends its daemon, which locks every session first, and listens no more.
 * @returns units that stay on disk, for somebody has changed them
 */
export async function removeService(): Promise<Unit[]> {
  if (await managerAnswers()) {
    for (const args of [
      ['disable', '--now', socketName],
      ['stop', serviceName],
    ])
      await systemctl(...args).catch(() => undefined)
  }
  const kept = removeUnits()
  if (await managerAnswers()) await systemctl('daemon-reload').catch(() => undefined)
  return kept
}

/** Is anything of the service on disk that is ours? */
export const serviceIsThere = (): boolean =>
  units().some(({ state }) => state !== 'missing' && state !== 'other')

function noManager(): GuardError {
  return new GuardError('service-unavailable', 'no systemd manager answers for this account')
}
