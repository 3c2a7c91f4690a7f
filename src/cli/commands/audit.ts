import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { placesOfWipe } from '../../domain/policy-wipe.ts'
import { isAtLeast } from '../../domain/audit-rules.ts'
import { GuardError } from '../../domain/errors.ts'
import { dirs, places } from '../../platform/dirs.ts'
import { createPolicySource, organisationFile } from '../../platform/policy-file/create-policy-source.ts'
import { runScribe } from '../../platform/scribes/run-scribe.ts'
import type { AuditReport } from '../../protocol/reports.ts'
import { sarifOf } from '../audit-sarif.ts'
import { findingLines } from '../audit-table.ts'
import { command, jsonOption, kubeconfigOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { failOnOption, formatOption, severityCounts } from '../finding-options.ts'
import type { FailLevel, FindingFormat } from '../finding-options.ts'
import { kubeconfigPaths } from '../origin.ts'
import { print, printJson, say } from '../output.ts'
import { adoptPaths } from './adopt.ts'

interface AuditOptions {
  readonly kubeconfig: string[]
  readonly format: FindingFormat
  readonly failOn: FailLevel
  readonly fix?: true | undefined
  readonly yes?: true | undefined
  readonly json?: true | undefined
}

const exitFound = 1

export function auditCommand() {
  return command(
    'audit',
    'what in kubeconfigs and token caches outlives a session, each with its cure; needs no daemon',
    'kubeguard audit',
    'kubeguard audit --kubeconfig ci.yaml --format sarif --fail-on medium',
    'kubeguard audit --fix',
  )
    .addOption(kubeconfigOption())
    .addOption(formatOption())
    .addOption(failOnOption())
    .option('--fix', 'then adopt what can be adopted, after asking')
    .option('--yes', 'do not ask')
    .addOption(jsonOption())
    .action((options) => runCommand(() => audit(options)))
}

async function audit(options: AuditOptions): Promise<number> {
  const missing = options.kubeconfig.find((path) => !existsSync(path))
  if (missing !== undefined)
    throw new GuardError('kubeconfig-invalid', `there is no file ${missing}`, { cure: 'check the path' })
  const format = options.json ? 'json' : options.format
  if (options.fix && format !== 'table')
    throw new GuardError('usage', '--fix shows what it does as a table', {
      cure: 'leave out --format and --json',
    })
  let report = await auditedBy(options)
  writeReport(report, format)
  if (options.fix && (await fix(report, options))) report = await auditedBy(options)
  const { failOn } = options
  if (failOn === 'never') return 0
  return report.findings.some(({ severity }) => isAtLeast(severity, failOn)) ? exitFound : 0
}

/** Where files were named, those alone are looked at; else everything of this account that is known to matter. */
function auditedBy({ kubeconfig }: AuditOptions): Promise<AuditReport> {
  const { HOME, KUBERC, PATH = '' } = process.env
  const home = HOME !== undefined && isAbsolute(HOME) ? HOME : homedir()
  return runScribe({
    job: 'audit',
    paths: kubeconfigPaths(kubeconfig),
    searchPath: PATH,
    ...(kubeconfig.length === 0 && { home, wiped: wipedPlaces() }),
    ...(KUBERC !== undefined && KUBERC !== '' && KUBERC !== 'off' && { kuberc: resolve(KUBERC) }),
  })
}

/** No daemon is asked: the rules are read as it would read them. */
function wipedPlaces(): string[] {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const rules = createPolicySource({ userFile: places.config(dirs()), organisationFile, log })
  return rules.current().flatMap(({ wipe }) => placesOfWipe(wipe))
}

function writeReport(report: AuditReport, format: FindingFormat): void {
  if (format === 'json') return printJson(report)
  if (format === 'sarif') return printJson(sarifOf(report))
  for (const line of findingLines(report.findings, process.stdout)) print(line)
  say(summaryOf(report))
}

function summaryOf({ findings, kubeconfigs, users, leftOut }: AuditReport): string {
  const looked = `${count(users, 'user')} in ${count(kubeconfigs, 'kubeconfig')}`
  if (findings.length === 0) return `nothing outlives a session: ${looked}`
  const more = leftOut > 0 ? `, and ${leftOut} more that are left out` : ''
  return `${count(findings.length, 'finding')} (${severityCounts(findings)})${more}: ${looked}`
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`

/** The files in force are adopted as the one kubeconfig that they are, each other one by itself. */
async function fix({ adoptable }: AuditReport, { kubeconfig, yes }: AuditOptions): Promise<boolean> {
  const files = adoptable.map(({ file }) => file)
  if (files.length === 0) {
    say('nothing here can be adopted')
    return false
  }
  const inForce = kubeconfigPaths(kubeconfig)
  const strays = files.filter((file) => !inForce.includes(file)).map((file) => [file])
  const groups = files.some((file) => inForce.includes(file)) ? [inForce, ...strays] : strays
  for (const paths of groups) await adoptPaths(paths, { user: [], yes, keepPlugins: true })
  return true
}
