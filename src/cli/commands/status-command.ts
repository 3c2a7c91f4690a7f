import { command, jsonOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { status } from './status.ts'

export function statusCommand() {
  return command(
    'status',
    'show each session: state, why it was locked, time left; exit code 0 unlocked, 77 locked',
    'kubeguard status',
    'kubeguard status prod --json',
  )
    .argument('[policy]', 'only this policy (the exit code is its own then)')
    .addOption(jsonOption())
    .action((policy, options) => runCommand(() => status(policy, options)))
}
