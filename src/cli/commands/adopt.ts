import { existsSync } from 'node:fs'
import { GuardError } from '../../domain/errors.ts'
import type { AdoptReport, MovingUser } from '../../protocol/reports.ts'
import { writeAdoption } from '../adoption-report.ts'
import { countUsers, requestAdoption } from '../adoption.ts'
import { command, jsonOption, kubeconfigOption, passphraseFdOption, userOption } from '../command.ts'
import { agreed, confirm } from '../confirm.ts'
import { runCommand } from '../failure.ts'
import { kubeconfigPaths } from '../origin.ts'
import { printJson, say, sayFailure } from '../output.ts'
import { hardenBeforeSecrets } from '../harden.ts'
import { moveUsers } from '../move-users.ts'
import { takeLogInsOver } from '../take-log-ins-over.ts'

interface AdoptOptions {
  readonly kubeconfig: string[]
  readonly user: string[]
  readonly dryRun?: true | undefined
  readonly yes?: true | undefined
  readonly keepPlugins?: true | undefined
  readonly json?: true | undefined
  readonly passphraseFd?: number | undefined
}

type AdoptWishes = Omit<AdoptOptions, 'kubeconfig'>

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
    .addOption(passphraseFdOption())
    .action((options) => runCommand(() => adopt(options)))
}

async function adopt(options: AdoptOptions): Promise<number> {
  // It may come to a passphrase: where the policy of an adopted user has another `access` by now.
  if (options.dryRun !== true) await hardenBeforeSecrets(options.passphraseFd)
  if (options.json && !options.yes && !options.dryRun) {
    throw new GuardError('usage', '--json leaves no place to ask', {
      cure: 'give --yes or --dry-run as well',
    })
  }
  const missing = options.kubeconfig.find((path) => !existsSync(path))
  if (missing !== undefined)
    throw new GuardError('kubeconfig-invalid', `there is no file ${missing}`, { cure: 'check the path' })
  const paths = kubeconfigPaths(options.kubeconfig)
  return moveUsers(await adoptPaths(paths, options), paths, options)
}

/**
 * Shows what adopting would do, asks unless told not to, and does it. Log-ins that a policy could do are left to their
 * plugins with `keepPlugins`, else taken over where that is agreed to.
 * @returns who is adopted already, and to be moved by the passphrase
 * @throws GuardError `cancelled`, …
 */
export async function adoptPaths(
  paths: readonly string[],
  options: AdoptWishes,
): Promise<readonly MovingUser[]> {
  const { dryRun = false, yes = false } = options
  if (!yes && !dryRun) return adoptAfterAsking(paths, options, await planned(paths, options))
  const report = dryRun ? (await planned(paths, options)).report : await adoptAtOnce(paths, options)
  if (options.json) printJson(report)
  else writeAdoption(report, process.stdout)
  assertVaults(report)
  if (report.dryRun) return []
  sayAdopted(report)
  return report.toMove
}

/** What adopting would do, and whether it was agreed to take log-ins over. */
interface Planned {
  readonly report: AdoptReport
  readonly takesLogIns: boolean
}

/** The policies for log-ins are written first: what is planned next falls under these. */
async function planned(paths: readonly string[], options: AdoptWishes): Promise<Planned> {
  const report = await requestAdoption(paths, options.user, true)
  const takesLogIns = await offerLogIns(report, options)
  return takesLogIns
    ? { report: await requestAdoption(paths, options.user, true), takesLogIns }
    : { report, takesLogIns }
}

/** A large file is worked on once, but where log-ins are taken over. */
async function adoptAtOnce(paths: readonly string[], options: AdoptWishes): Promise<AdoptReport> {
  const report = await requestAdoption(paths, options.user, false, options.keepPlugins !== true)
  const isHeldBack = report.adopted.length === 0 && report.logIns.length > 0
  if (options.keepPlugins === true || !isHeldBack) return report
  await offerLogIns(report, options)
  return requestAdoption(paths, options.user, false)
}

async function offerLogIns({ logIns }: AdoptReport, options: AdoptWishes): Promise<boolean> {
  const { yes, dryRun, keepPlugins } = options
  if (keepPlugins === true) return false
  const ask = async (question: string): Promise<boolean> =>
    yes === true ||
    agreed(question, { withoutTerminal: 'give --yes, or --keep-plugins to wrap what is there' })
  return takeLogInsOver(logIns, dryRun === true ? undefined : ask)
}

async function adoptAfterAsking(
  paths: readonly string[],
  options: AdoptWishes,
  { report: shown, takesLogIns }: Planned,
): Promise<readonly MovingUser[]> {
  writeAdoption(shown, process.stdout)
  if (shown.adopted.length === 0) return shown.toMove
  const isAgreed = takesLogIns && shown.adopted.every(({ kind }) => kind === 'log-in')
  if (!isAgreed) await confirm('move these secrets into vaults?', { withoutTerminal: 'give --yes' })
  const report = await requestAdoption(paths, options.user, false)
  assertVaults(report)
  sayAdopted(report)
  return report.toMove
}

function assertVaults(report: AdoptReport): void {
  if (report.dryRun || report.missingVaults.length === 0) return
  throw new GuardError(
    'vault-missing',
    `no vault yet for ${report.missingVaults.join(', ')}: nothing was changed`,
  )
}

function sayAdopted({ adopted, toMove, wiped, notWiped }: AdoptReport): void {
  if (adopted.length === 0 && toMove.length > 0) return
  if (adopted.length === 0) say('nothing to adopt')
  else say(`adopted ${countUsers(adopted.length)}`)
  for (const policy of new Set(adopted.filter(({ kind }) => kind === 'log-in').map((user) => user.policy)))
    say(`log in: kubeguard unlock ${policy}`, 'back to how it was: kubeguard eject')
  if (wiped.length > 0) say(`tokens of the log-in before are wiped: ${wiped.join(', ')}`)
  for (const failure of notWiped) sayFailure(failure, 'wipe it yourself: it may hold tokens')
}
