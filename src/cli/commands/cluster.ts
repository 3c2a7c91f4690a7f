import { clusterCheckCommand } from '../cluster/check-command.ts'
import { clusterSessionCommands } from '../cluster/session-commands.ts'
import { command } from '../command.ts'

export function clusterCommand() {
  const group = command(
    'cluster',
    'the server side of sessions',
    'kubeguard cluster check',
    'kubeguard cluster setup --group developers',
  ).addCommand(clusterCheckCommand())
  for (const each of clusterSessionCommands()) group.addCommand(each)
  return group
}
