import { callDaemon } from '../../client/call.ts'
import type { EndReport } from '../../protocol/reports.ts'
import { command, jsonOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { printJson, say, sayFailure } from '../output.ts'

export function killCommand() {
  return command('kill', 'end live processes and holders', 'kubeguard ps', 'kubeguard kill 4711 4712')
    .argument('<id...>', 'IDs, as kubeguard ps shows them')
    .addOption(jsonOption())
    .action((ids, options) => runCommand(() => kill(ids, options)))
}

async function kill(pids: readonly string[], options: { json?: true | undefined }): Promise<number> {
  const { report } = await callDaemon('client.end', { pids: [...pids] })
  const { ended, failures } = report as EndReport
  if (options.json) printJson({ ended, failures })
  else {
    for (const { pid, program } of ended) say(`ended ${program} (${pid})`)
    for (const failure of failures) sayFailure(failure, 'run: kubeguard ps')
  }
  return failures.length === 0 ? 0 : 1
}
