import { existsSync } from 'node:fs'
import { GuardError } from '../../domain/errors.ts'
import type { AdoptReport } from '../../protocol/reports.ts'
import { writeAdoption } from '../adoption-report.ts'
import { countUsers, requestAdoption } from '../adoption.ts'
import { command, jsonOption, kubeconfigOption, userOption } from '../command.ts'
import { agreed, confirm } from '../confirm.ts'
import { runCommand } from '../failure.ts'
import { kubeconfigPaths } from '../origin.ts'
import { printJson, say, sayFailure } from '../output.ts'
import { takeLogInsOver } from '../take-log-ins-over.ts'

interface AdoptOptions {
  readonly kubeconfig: string[]
  readonly user: string[]
  readonly dryRun?: true | undefined
  readonly yes?: true | undefined
  readonly keepPlugins?: true | undefined
  readonly json?: true | undefined
}

export function adoptCommand() {
  return command(
    'adopt',
    'move the secrets of kubeconfig users into vaults',
    'kubeguard adopt --dry-run',
    'kubeguard adopt --kubeconfig ~/.kube/config --user admin --yes',
  )
    .addOption(kubeconfigOption())
    .addOption(userOption())
    .option('--dry-run', 'only show what would change, secrets masked')
    .option(
      '--keep-plugins',
      'leave log-ins to the plugins that do them: wrap kubelogin, and do not replace it',
    )
    .option('--yes', 'do not ask')
    .addOption(jsonOption())
    .action((options) => runCommand(() => adopt(options)))
}

async function adopt(options: AdoptOptions): Promise<void> {
  if (options.json && !options.yes && !options.dryRun) {
    throw new GuardError('usage', '--json leaves no place to ask', {
      cure: 'give --yes or --dry-run as well',
    })
  }
  const missing = options.kubeconfig.find((path) => !existsSync(path))
  if (missing !== undefined)
    throw new GuardError('kubeconfig-invalid', `there is no file ${missing}`, { cure: 'check the path' })
  const paths = kubeconfigPaths(options.kubeconfig)
  const takesLogIns = options.keepPlugins !== true && (await offerLogIns(paths, options))
  if (!options.json && !options.dryRun)
    return adoptAfterAsking(paths, options.user, { yes: options.yes ?? false, takesLogIns })
  const report = await requestAdoption(paths, options.user, options.dryRun ?? false)
  if (options.json) printJson(report)
  else writeAdoption(report, process.stdout)
  assertVaults(report)
  if (!report.dryRun) sayAdopted(report)
}

/** The policies for them are written first: what is planned next falls under these. */
async function offerLogIns(paths: readonly string[], { user, yes, dryRun }: AdoptOptions): Promise<boolean> {
  const { logIns } = await requestAdoption(paths, user, true)
  const ask = async (question: string): Promise<boolean> =>
    yes === true ||
    agreed(question, { withoutTerminal: 'give --yes, or --keep-plugins to wrap what is there' })
  return takeLogInsOver(logIns, dryRun === true ? undefined : ask)
}

/** Shows what adopting would do, asks unless told not to, and does it. @throws GuardError `cancelled`, … */
export async function adoptAfterAsking(
  paths: readonly string[],
  users: readonly string[],
  { yes, takesLogIns = false }: { yes: boolean; takesLogIns?: boolean },
): Promise<void> {
  if (!yes) {
    const planned = await requestAdoption(paths, users, true)
    writeAdoption(planned, process.stdout)
    if (planned.adopted.length === 0) return
    const isAgreed = takesLogIns && planned.adopted.every(({ kind }) => kind === 'log-in')
    if (!isAgreed) await confirm('move these secrets into vaults?', { withoutTerminal: 'give --yes' })
  }
  const report = await requestAdoption(paths, users, false)
  if (yes) writeAdoption(report, process.stdout)
  assertVaults(report)
  sayAdopted(report)
}

function assertVaults(report: AdoptReport): void {
  if (report.dryRun || report.missingVaults.length === 0) return
  throw new GuardError(
    'vault-missing',
    `no vault yet for ${report.missingVaults.join(', ')}: nothing was changed`,
  )
}

function sayAdopted({ adopted, wiped, notWiped }: AdoptReport): void {
  if (adopted.length === 0) say('nothing to adopt')
  else say(`adopted ${countUsers(adopted.length)}`)
  for (const policy of new Set(adopted.filter(({ kind }) => kind === 'log-in').map((user) => user.policy)))
    say(`log in: kubeguard unlock ${policy}`, 'back to how it was: kubeguard eject')
  if (wiped.length > 0) say(`tokens of the log-in before are wiped: ${wiped.join(', ')}`)
  for (const failure of notWiped) sayFailure(failure, 'wipe it yourself: it may hold tokens')
}
