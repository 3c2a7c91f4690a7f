import { callDaemon } from '../../client/call.ts'
import type { SweepReport } from '../../protocol/reports.ts'
import { command, jsonOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { origin } from '../origin.ts'
import { print, printJson, say } from '../output.ts'

export function sweepCommand() {
  return command('sweep', 'wipe what should not be on disk any more', 'kubeguard sweep')
    .addOption(jsonOption())
    .action((options) => runCommand(() => sweep(options)))
}

/** Where no daemon runs, one is started: that alone locks everything, and ends what the last one left alive. */
async function sweep(options: { json?: true | undefined }): Promise<void> {
  const { report } = await callDaemon('kubeconfig.sweep', origin())
  const { removed } = report as SweepReport
  if (options.json) return printJson(report)
  for (const path of removed) print(path)
  if (removed.length === 0) say('nothing to wipe')
}
