import { callDaemon } from '../../client/call.ts'
import { GuardError } from '../../domain/errors.ts'
import type { AdoptedUser, AdoptReport, LeftUser } from '../../protocol/reports.ts'
import { clean, cleanLines } from '../clean-text.ts'
import { command, jsonOption, kubeconfigOption, userOption } from '../command.ts'
import { confirm } from '../confirm.ts'
import { formatTimestamp } from '../duration.ts'
import { runCommand } from '../failure.ts'
import { kubeconfigPaths } from '../origin.ts'
import { coloursFor, print, printJson, say } from '../output.ts'
import { table } from '../table.ts'

interface AdoptOptions {
  readonly kubeconfig: string[]
  readonly user: string[]
  readonly dryRun?: true | undefined
  readonly yes?: true | undefined
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
    .option('--yes', 'do not ask')
    .addOption(jsonOption())
    .action((options) => runCommand(() => adopt(options)))
}

async function adopt(options: AdoptOptions): Promise<void> {
  const paths = kubeconfigPaths(options.kubeconfig)
  if (!options.yes && !options.dryRun) {
    const planned = await requestAdoption(paths, options.user, true)
    printAdoption(planned)
    if (planned.adopted.length === 0) return
    await confirm('move these secrets into vaults?', { withoutTerminal: 'give --yes' })
  }
  const report = await requestAdoption(paths, options.user, options.dryRun ?? false)
  if (options.json) printJson(report)
  else if (options.dryRun || options.yes) printAdoption(report)
  assertVaults(report)
  if (!report.dryRun) sayAdopted(report)
}

/** @throws GuardError `kubeconfig-invalid`, `kubeconfig-busy`, … */
export async function requestAdoption(paths: readonly string[], users: readonly string[], dryRun: boolean): Promise<AdoptReport> {
  const { report } = await callDaemon('kubeconfig.adopt', {
    paths: paths.map((path) => Buffer.from(path)),
    users: [...users],
    dryRun,
  })
  return report as AdoptReport
}

function assertVaults(report: AdoptReport): void {
  if (report.dryRun || report.missingVaults.length === 0) return
  throw new GuardError('vault-missing', `no vault yet for ${report.missingVaults.join(', ')}: nothing was changed`)
}

/** The diff, what is adopted at which strength, what stays and why, and the advice. */
export function printAdoption(report: AdoptReport): void {
  if (report.dryRun && report.diff !== '') print(colouredDiff(report.diff))
  const head = ['user', 'file', 'policy', 'kind', 'strength', 'ends']
  if (report.adopted.length > 0) for (const line of table(head, report.adopted.map(adoptedRow))) print(line)
  for (const user of report.left) print(leftLine(user))
  for (const advice of new Set([...report.adopted, ...report.left].flatMap((user) => user.advice))) {
    print(`advice: ${clean(advice)}`)
  }
}

function adoptedRow(user: AdoptedUser): string[] {
  const ends = user.expiresAtMs === undefined ? '' : formatTimestamp(user.expiresAtMs)
  return [clean(user.user), clean(user.file), user.policy, user.kind, user.strength, ends]
}

const reasons: Readonly<Record<LeftUser['because'], string>> = {
  'already': 'guarded already',
  'exec': 'unguarded: has an exec plugin of its own',
  'basic': 'unguarded: basic auth can’t be given by a plugin',
  'auth-provider': 'unguarded: has an auth provider',
  'none': 'holds no secret',
}

function leftLine(user: LeftUser): string {
  return `${clean(user.user)} (${clean(user.file)}): ${reasons[user.because]}`
}

function colouredDiff(diff: string): string {
  const { red, green } = coloursFor(process.stdout)
  const paint = (line: string): string =>
    line.startsWith('-') ? red(line) : line.startsWith('+') ? green(line) : line
  return cleanLines(diff).trimEnd().split('\n').map(paint).join('\n')
}

function sayAdopted({ adopted }: AdoptReport): void {
  if (adopted.length === 0) say('nothing to adopt')
  else say(`adopted ${adopted.length} ${adopted.length === 1 ? 'user' : 'users'}`)
}
