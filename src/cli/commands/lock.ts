import { callDaemon } from '../../client/call.ts'
import type { LockReport } from '../../protocol/reports.ts'
import { command, jsonOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { printJson, say, sayFailure } from '../output.ts'

export function lockCommand() {
  return command('lock', 'lock now, and end what holds a credential', 'kubeguard lock', 'kubeguard lock prod')
    .argument('[policy]', 'policy to lock (default: all)')
    .addOption(jsonOption())
    .action((policy, options) => runCommand(() => lock(policy, options)))
}

async function lock(policy: string | undefined, options: { json?: true | undefined }): Promise<number> {
  const { report } = await callDaemon('session.lock', { policy })
  const reports = report as LockReport[]
  if (options.json) printJson(reports)
  else sayLocked(reports)
  return reports.some(({ failures }) => failures.length > 0) ? 1 : 0
}

function sayLocked(reports: readonly LockReport[]): void {
  for (const report of reports) {
    const ended = report.endedLive + report.endedHolders
    const endedText = ended === 0 ? '' : `, ended ${ended} ${ended === 1 ? 'process' : 'processes'}`
    say(`${report.policy} ${report.wasUnlocked ? 'locked' : 'was locked already'}${endedText}`)
    for (const failure of report.failures)
      sayFailure(failure, 'the session is locked all the same; run: kubeguard doctor')
  }
  if (reports.length === 0) say('nothing to lock')
}
