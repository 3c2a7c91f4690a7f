import { callDaemon } from '../../client/call.ts'
import { GuardError } from '../../domain/errors.ts'
import type { ExtendReport } from '../../protocol/reports.ts'
import { command, jsonOption } from '../command.ts'
import { formatDuration } from '../duration.ts'
import { runCommand } from '../failure.ts'
import { origin } from '../origin.ts'
import { printJson, say } from '../output.ts'
import { givePersonsWord } from '../persons-word.ts'

interface ExtendOptions {
  readonly all?: true | undefined
  readonly json?: true | undefined
}

export function extendCommand() {
  return command(
    'extend',
    'say “I am here”: counts as typing, on a terminal only; never past the lifetime',
    'kubeguard extend',
    'kubeguard extend prod',
  )
    .argument('[policy]', 'whose session (default: that of the current context)')
    .option('--all', 'every session that is unlocked')
    .addOption(jsonOption())
    .action((policy, options) => runCommand(() => extend(policy, options)))
}

async function extend(policy: string | undefined, options: ExtendOptions): Promise<void> {
  if (policy !== undefined && options.all) throw new GuardError('usage', 'give a policy or --all, not both')
  const request = { ...origin(), policy, all: options.all === true }
  const { report } = await givePersonsWord(() => callDaemon('session.extend', request))
  const extended = report as readonly ExtendReport[]
  if (options.json) return printJson(extended)
  for (const session of extended) {
    const left = formatDuration(Math.min(session.idleLeftMs, session.lifetimeLeftMs))
    say(`${session.policy} stays unlocked for ${left}${byLifetime(session) ? ', its maximum age' : ''}`)
  }
}

const byLifetime = ({ idleLeftMs, lifetimeLeftMs }: ExtendReport): boolean => lifetimeLeftMs <= idleLeftMs
