import { clusterSessionCommands } from '../cluster/session-commands.ts'
import { command } from '../command.ts'

export function clusterCommand() {
  const group = command(
    'cluster',
    'the server side of credential: ephemeral',
    'kubeguard cluster setup --group developers',
  )
  for (const each of clusterSessionCommands()) group.addCommand(each)
  return group
}
