import { Option } from '@commander-js/extra-typings'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { GuardError } from '../../domain/errors.ts'
import type { EphemeralRules } from '../../domain/policy-credential.ts'
import { renderObjects, setupObjects, setupsFor } from '../../platform/cluster/setup-objects.ts'
import type { Subject } from '../../platform/cluster/setup-objects.ts'
import { clean } from '../clean-text.ts'
import { applySetup } from './apply-setup.ts'
import { removeSetup } from './remove-setup.ts'
import { removeSessions, sessionsIn } from './sessions.ts'
import { command } from '../command.ts'
import { runCommand } from '../failure.ts'
import { print, say } from '../output.ts'
import { readPolicies } from '../read-policies.ts'

interface SetupOptions {
  readonly group: readonly string[]
  readonly user: readonly string[]
  readonly apply?: true | undefined
  readonly yes?: true | undefined
  readonly context?: string | undefined
}

/** `setup`, `remove` and `gc` of `kubeguard cluster`. */
export function clusterSessionCommands(): CommandUnknownOpts[] {
  const setup = command(
    'setup',
    'print what clusters need for credential: ephemeral (namespace, RBAC, admission policy), or apply it',
    'kubeguard cluster setup --group developers > kubeguard.yaml',
    'kubeguard cluster setup prod --group developers --apply --context admin',
  )
    .argument('[policy]', 'policy that offers the roles (default: all of them)')
    .addOption(named(new Option('--group <name>', 'who may open sessions: this group, may be repeated')))
    .addOption(named(new Option('--user <name>', 'who may open sessions: this user, may be repeated')))
    .option('--apply', 'apply it by kubectl, after its server-side diff was shown and agreed to')
    .addOption(contextOption())
    .addOption(yesOption())
    .action((policy, options) => runCommand(() => setUp(policy, options)))
  const remove = command(
    'remove',
    'undo what setup applied, by kubectl; open sessions there end',
    'kubeguard cluster remove --context admin',
  )
    .argument('[policy]', 'policy that offers the roles (default: all of them)')
    .addOption(contextOption())
    .addOption(yesOption())
    .action((policy, options) => runCommand(() => removeAll(policy, options)))
  const gc = command(
    'gc',
    'delete what sessions that are past their end have left, of everybody, by kubectl',
    'kubeguard cluster gc --context admin',
  )
    .addOption(contextOption())
    .action((options) => runCommand(() => collect(options)))
  return [setup, remove, gc]
}

const contextOption = () => new Option('--context <name>', 'kubeconfig context that kubectl uses')
const yesOption = () => new Option('--yes', 'ask nothing')

const named = <Flags extends string>(option: Option<Flags>) =>
  option
    .argParser((name: string, before: string[]): string[] => [...before, name])
    .default([] as string[], 'nobody')

async function setUp(policy: string | undefined, options: SetupOptions): Promise<number> {
  const subjects: Subject[] = [
    ...options.group.map((name) => ({ kind: 'Group' as const, name })),
    ...options.user.map((name) => ({ kind: 'User' as const, name })),
  ]
  if (subjects.length === 0)
    throw new GuardError('usage', 'who may open sessions?', {
      cure: 'give --group NAME or --user NAME, as the API server names them: kubectl auth whoami',
    })
  const setups = setupsFor(await offeredBy(policy), subjects)
  if (options.apply === true) return applySetup(setups, options)
  process.stdout.write(renderObjects(setups.flatMap(setupObjects)))
  return 0
}

async function removeAll(
  policy: string | undefined,
  options: Pick<SetupOptions, 'context' | 'yes'>,
): Promise<number> {
  return removeSetup(setupsFor(await offeredBy(policy), []), options)
}

async function collect({ context }: Pick<SetupOptions, 'context'>): Promise<number> {
  const past = await sessionsIn(context, { pastOnly: true })
  const code = await removeSessions(past, context)
  for (const { name } of past) print(clean(name))
  say(past.length === 0 ? 'no session is past its end' : `${past.length} past their end`)
  return code
}

/** @throws GuardError usage where no policy offers roles */
async function offeredBy(policy: string | undefined): Promise<EphemeralRules[]> {
  const { policies } = await readPolicies()
  if (policy !== undefined && !policies.some(({ name }) => name === policy))
    throw new GuardError('policy-unknown', `there is no policy ${clean(policy)}`)
  const rules = policies
    .filter(({ name }) => policy === undefined || name === policy)
    .flatMap(({ ephemeral }) => ephemeral ?? [])
  if (rules.length > 0) return rules
  const whose = policy === undefined ? 'no policy has' : `${clean(policy)} has not`
  throw new GuardError('usage', `${whose} credential: ephemeral`, {
    cure: 'write in the policy file: credential: ephemeral, and ephemeral: { roles: [view] }',
  })
}
