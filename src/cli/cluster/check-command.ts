import { InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { checkCluster } from '../../cluster-check/check-cluster.ts'
import { isFoundAt } from '../../cluster-check/report.ts'
import type { ClusterReport } from '../../cluster-check/report.ts'
import { platforms } from '../../cluster-check/settings.ts'
import type { Platform } from '../../cluster-check/settings.ts'
import { errorCatalogue } from '../../domain/errors.ts'
import { askAnonymously } from './ask-anonymously.ts'
import type { Server } from './ask-anonymously.ts'
import { clusterSarif } from './cluster-sarif.ts'
import { clusterLines } from './cluster-table.ts'
import { GuardedKubectl } from './guarded-kubectl.ts'
import { readAuthenticationConfig } from './read-authentication-config.ts'
import { command, jsonOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { failOnOption, formatOption, severityCounts } from '../finding-options.ts'
import type { FailLevel, FindingFormat } from '../finding-options.ts'
import { print, printJson, say, sayProgress } from '../output.ts'

interface CheckOptions {
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
  readonly format: FindingFormat
  readonly failOn: FailLevel
  readonly failOnUnseen?: true | undefined
  readonly platform?: Platform | 'all' | undefined
  readonly authenticationConfig?: string | undefined
  readonly tokenOf?: { readonly namespace: string; readonly name: string } | undefined
  readonly json?: true | undefined
}

const exitFound = 1

export function clusterCheckCommand() {
  return command(
    'check',
    'what the server side leaves open, each with the setting that closes it; asks through kubectl, changes nothing',
    'kubeguard cluster check',
    'kubeguard cluster check --context prod --format sarif --fail-on medium',
    'kubeguard cluster check --token-of default/default --platform kubeadm',
  )
    .option('--kubeconfig <file>', 'kubeconfig file (default: as kubectl finds it)')
    .option('--context <context>', 'context (default: the current one)')
    .addOption(formatOption())
    .addOption(failOnOption())
    .option('--fail-on-unseen', 'exit code 1 where something could not be looked at, too')
    .addOption(
      new Option(
        '--platform <platform>',
        'whose settings to show (default: what the cluster seems to be)',
      ).choices([...platforms, 'all'] as const),
    )
    .option('--authentication-config <file>', 'the API server’s file, to look for a lifetime rule in it')
    .addOption(
      new Option(
        '--token-of <namespace/name>',
        'ask TokenRequest for a token of this service account',
      ).argParser(serviceAccount),
    )
    .addOption(jsonOption())
    .action((options) => runCommand(() => look(options)))
}

function serviceAccount(text: string): { namespace: string; name: string } {
  const [, namespace, name] = /^([a-z0-9][a-z0-9-]*)\/([a-z0-9][a-z0-9.-]*)$/.exec(text) ?? []
  if (namespace === undefined || name === undefined)
    throw new InvalidArgumentError('It is a namespace and a name, such as default/default.')
  return { namespace, name }
}

async function look(options: CheckOptions): Promise<number> {
  const file = options.authenticationConfig
  const authenticators = file === undefined ? undefined : readAuthenticationConfig(file)
  const kubectl = new GuardedKubectl(options)
  const version = await kubectl.first(['get', '--raw', '/version'])
  if (version === undefined) return errorCatalogue.locked.exitCode
  sayProgress('asking the cluster')
  const [server, namespace] = await Promise.all([clusterEntry(kubectl), currentNamespace(kubectl)])
  const { platform, tokenOf } = options
  const report = await checkCluster(
    {
      kubectl: (args, input) => kubectl.ask(args, input),
      anonymously: async (path) => askAnonymously(server, path),
    },
    {
      server: server.server ?? '',
      version,
      namespace,
      platform: platform === 'all' ? undefined : platform,
      authenticators,
      tokenOf,
      nowMs: Date.now(),
    },
  )
  writeReport(report, options)
  const { failOn, failOnUnseen } = options
  const isBad = failOn !== 'never' && isFoundAt(report, failOn)
  return isBad || (failOnUnseen === true && report.notSeen.length > 0) ? exitFound : 0
}

/** Of the kubeconfig this part alone leaves kubectl: no user’s. */
async function clusterEntry(kubectl: GuardedKubectl): Promise<Server> {
  const view = ['config', 'view', '--minify', '--raw', '--flatten']
  const answer = await kubectl.ask([...view, '-o', 'jsonpath={.clusters[0].cluster}'])
  return answer.ok ? (JSON.parse(answer.text || '{}') as Server) : {}
}

async function currentNamespace(kubectl: GuardedKubectl): Promise<string> {
  const answer = await kubectl.ask([
    'config',
    'view',
    '--minify',
    '-o',
    'jsonpath={.contexts[0].context.namespace}',
  ])
  return (answer.ok && answer.text) || 'default'
}

function writeReport(report: ClusterReport, options: CheckOptions): void {
  const format = options.json ? 'json' : options.format
  if (format === 'json') return printJson(report)
  if (format === 'sarif') return printJson(clusterSarif(report))
  for (const line of clusterLines(report, options.platform ?? report.platform, process.stdout)) print(line)
  say(summaryOf(report))
}

function summaryOf({ findings, leftOut, notSeen, user, server }: ClusterReport): string {
  const found =
    findings.length === 0 ? 'nothing found' : `${findings.length} found (${severityCounts(findings)})`
  const more = leftOut > 0 ? `, and ${leftOut} more that are left out` : ''
  const unseen = notSeen.length > 0 ? `, ${notSeen.length} not seen` : ''
  return `${found}${more}${unseen}: ${server} as ${user}`
}
