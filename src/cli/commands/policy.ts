import { describeDeny } from '../../domain/deny-rules.ts'
import { formatDuration } from '../../domain/duration.ts'
import { describeCredential } from '../../domain/policy-credential.ts'
import { describeUnlock } from '../../domain/policy-unlock.ts'
import type { PolicyReport } from '../../protocol/reports.ts'
import { clean } from '../clean-text.ts'
import { command, jsonOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { coloursFor, print, printJson, say } from '../output.ts'
import { readPolicies } from '../read-policies.ts'
import { table } from '../table.ts'

interface JsonOption {
  readonly json?: true | undefined
}

export function policyCommand() {
  const show = command('show', 'the rules in force', 'kubeguard policy show')
    .addOption(jsonOption())
    .action((options) => runCommand(() => showPolicies(options)))
  const check = command(
    'check',
    'look for mistakes in the policy files; exit code 78 where there are',
    'kubeguard policy check',
  )
    .addOption(jsonOption())
    .action((options) => runCommand(() => checkPolicies(options)))
  const explain = command(
    'explain',
    'which policy applies to a context, and why',
    'kubeguard policy explain prod-eu',
  )
    .argument('<context>', 'name of a kubeconfig context')
    .addOption(jsonOption())
    .action((context, options) => runCommand(() => explainContext(context, options)))
  return command('policy', 'the rules: idle limit, lifetime, what is ended', 'kubeguard policy show')
    .addCommand(show)
    .addCommand(check)
    .addCommand(explain)
}

async function showPolicies(options: JsonOption): Promise<void> {
  const report = await readPolicies()
  if (options.json) return printJson(report)
  const head = [
    'policy',
    'contexts',
    'idle',
    'lifetime',
    'warn',
    'notify',
    'escape',
    'scope',
    'live',
    'holders',
    'hold',
    'finish',
    'absorb',
    'env',
    'wipe',
    'on lock',
    'lock-out',
    'on misuse',
    'pinentry',
    'materialize',
    'access',
    'deny',
    'impersonate',
    'unlock',
    'credential',
    'lock on',
    'tightened by the organisation',
  ]
  const rows = report.policies.map((policy) => [
    policy.name,
    policy.contexts.map(clean).join(' '),
    formatDuration(policy.idleMs),
    formatDuration(policy.lifetimeMs),
    formatDuration(policy.warnMs),
    policy.notify,
    policy.escape,
    policy.scope === 'user' ? '' : policy.scope,
    liveRule(policy),
    policy.holders,
    policy.hold,
    policy.finishMs === 0 ? '' : formatDuration(policy.finishMs),
    policy.absorb,
    policy.env.join(' '),
    policy.wipe.map(clean).join(' '),
    policy.onLock.map(clean).join('; '),
    `${policy.lockOutAfter}: ${formatDuration(policy.lockOutForMs)}`,
    policy.onMisuse.map(clean).join('; '),
    clean(policy.pinentry),
    policy.materialize ? 'true' : '',
    policy.access,
    policy.deny.map(describeDeny).map(clean).join('; '),
    policy.access === 'gateway' ? policy.impersonate : '',
    clean(describeUnlock(policy.unlock)),
    clean(describeCredential(policy.ephemeral)),
    policy.lockOn.join(' '),
    policy.tightenedBy.join(', '),
  ])
  for (const line of table(head, rows)) print(line)
  for (const file of report.files)
    print(`${file.kind}: ${clean(file.path)}${file.exists ? '' : ' (not there)'}`)
  if (report.lastGoodInForce)
    say('a policy file is invalid: the last good rules are in force', 'run: kubeguard policy check')
}

const liveRule = ({ live, suspendForMs }: PolicyReport['policies'][number]): string =>
  live === 'suspend' ? `suspend for ${formatDuration(suspendForMs)}` : live

const exitUnusable = 78

async function checkPolicies(options: JsonOption): Promise<number> {
  const { problems } = await readPolicies()
  if (options.json) printJson(problems)
  else printProblems(problems)
  return problems.length === 0 ? 0 : exitUnusable
}

function printProblems(problems: PolicyReport['problems']): void {
  const { red, dim } = coloursFor(process.stdout)
  for (const { file, line, column, message, cure } of problems) {
    print(`${clean(file)}:${line}:${column}: ${red(clean(message))}`)
    print(`  ${dim(clean(cure))}`)
  }
  if (problems.length === 0) say('no mistakes found')
}

async function explainContext(context: string, options: JsonOption): Promise<void> {
  const report = await readPolicies(context)
  if (options.json) return printJson(report.explained ?? null)
  if (report.explained === undefined) return
  const { policy, because, decided } = report.explained
  print(`${clean(context)}: policy ${policy}, because ${clean(because)}`)
  const rows = decided.map(({ rule, value, by }) => [rule, clean(value), by.map(clean).join(', ')])
  for (const line of table(['rule', 'is', 'as said by'], rows)) print(line)
  const rules = report.policies.find(({ name }) => name === policy)
  if (rules?.materialize === true)
    print('while unlocked its credentials stand in their kubeconfigs in plain text (materialize)')
}
