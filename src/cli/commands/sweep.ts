import { callDaemon } from '../../client/call.ts'
import type { SweepReport } from '../../protocol/reports.ts'
import { command, jsonOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { origin } from '../origin.ts'
import { clean } from '../clean-text.ts'
import { print, printJson, say, sayFailure } from '../output.ts'

export function sweepCommand() {
  return command('sweep', 'wipe what should not be on disk any more', 'kubeguard sweep')
    .addOption(jsonOption())
    .action((options) => runCommand(() => sweep(options)))
}

const exitIncomplete = 1

/** Where no daemon runs, one is started: that alone locks everything, and ends what the last one left alive. */
async function sweep(options: { json?: true | undefined }): Promise<number> {
  const { report } = await callDaemon('kubeconfig.sweep', origin())
  const { removed, wiped, unmaterialised, failures } = report as SweepReport
  if (options.json) printJson(report)
  else {
    for (const path of [...removed, ...wiped]) print(clean(path))
    for (const { user, file } of unmaterialised) print(`${clean(file)}: the credential of ${clean(user)}`)
    for (const failure of failures)
      sayFailure(clean(failure), 'remove it by hand, or log out with the tool that wrote it')
    if (removed.length + wiped.length + unmaterialised.length + failures.length === 0) say('nothing to wipe')
  }
  return failures.length > 0 ? exitIncomplete : 0
}
