import type { PolicyAddition, RawPolicy } from '../platform/policy-file/add-policies.ts'
import type { FoundLogIn, PolicyReport } from '../protocol/reports.ts'

/** Users whose log-in one new policy does. */
export interface LogInPolicy extends PolicyAddition {
  readonly logIns: readonly FoundLogIn[]
  readonly contexts: readonly string[]
  /** PEM, which goes into the file that the policy names. */
  readonly authorities?: { readonly file: string; readonly base64: string }
}

interface World {
  readonly policies: PolicyReport['policies']
  /** What the user's own file says of a policy. */
  readonly said: (policy: string) => RawPolicy | undefined
  /** The folder for what a provider's policy names: `state/providers/POLICY`. */
  readonly folderOf: (policy: string) => string
}

/** Why a log-in stays as it is, whatever a policy says. */
export function whyNotTaken(
  { obstacles, contexts, settings }: FoundLogIn,
  { policies, said }: Pick<World, 'policies' | 'said'>,
  environment: NodeJS.ProcessEnv,
): string | undefined {
  const above = contexts.find(({ policy }) => said(policy) === undefined && !isLast(policies, policy))
  const glob = contexts.find(({ name }) => /[*?]/.test(name))
  const proxy = proxyFor(String(settings['issuer']), environment)
  return (
    obstacles[0] ??
    (contexts.length === 0 ? 'no context uses it' : undefined) ??
    (above && `policy ${above.policy} of ${above.name} is the organisation’s`) ??
    (glob && `the name of the context ${glob.name} would match others, too`) ??
    (proxy &&
      `${proxy} is set, and the provider is spoken to without a proxy: say so in NO_PROXY, or by ${proxy}=`)
  )
}

/** The rest’s: it need not stand in the file. */
const isLast = (policies: PolicyReport['policies'], name: string): boolean => policies.at(-1)?.name === name

/** One policy for each that these contexts have by now, and for each log-in of its own: a log-in is a session. */
export function logInPolicies(found: readonly FoundLogIn[], world: World): LogInPolicy[] {
  const wishes = found.flatMap((logIn) => logIn.contexts.map((context) => ({ logIn, context })))
  const groups = Map.groupBy(wishes, ({ logIn, context }) =>
    JSON.stringify([context.policy, sameness(logIn)]),
  )
  const names = new Set(world.policies.map(({ name }) => name))
  return [...groups.values()].map((group) => {
    const [first] = group
    const base = first?.context.policy ?? ''
    const name = freeName(base, first?.logIn.factor ?? '', names)
    names.add(name)
    const logIns = [...new Set(group.map(({ logIn }) => logIn))]
    const contexts = [...new Set(group.map(({ context }) => context.name))]
    return policyFor({ name, base, logIns, contexts }, world)
  })
}

/** What must be alike for one log-in to do for both. */
const sameness = ({ factor, settings, hasSecret, authorities }: FoundLogIn): unknown => [
  factor,
  settings,
  hasSecret,
  authorities ?? '',
]

function freeName(base: string, factor: string, taken: ReadonlySet<string>): string {
  const wanted = base === 'default' ? factor : `${base}-${factor}`.slice(0, 60)
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? wanted : `${wanted.slice(0, 58)}-${count}`
    if (!taken.has(name)) return name
  }
}

interface Wish {
  readonly name: string
  readonly base: string
  readonly logIns: readonly FoundLogIn[]
  readonly contexts: readonly string[]
}

/** The rules that these contexts have already, but for how they are unlocked. */
function policyFor({ name, base, logIns, contexts }: Wish, { said, folderOf }: World): LogInPolicy {
  const { name: _, contexts: __, unlock, materialize: ___, wipe, ...rules } = said(base) ?? { name: base }
  const [first] = logIns as [FoundLogIn]
  const { factor, settings, hasSecret, authorities } = first
  const beside = Array.isArray(unlock) ? unlock.filter((each: unknown) => each !== 'passphrase') : []
  const wiped: unknown[] = Array.isArray(wipe) ? wipe : []
  const caches = new Set([...wiped, ...logIns.flatMap((logIn) => logIn.caches)])
  const file = authorities === undefined ? undefined : `${folderOf(name)}/ca.pem`
  const policy: RawPolicy = {
    name,
    contexts,
    ...rules,
    unlock: [factor, ...beside],
    [factor]: {
      ...settings,
      ...(hasSecret && { clientSecretFile: `${folderOf(name)}/client-secret` }),
      ...(file !== undefined && { ca: file }),
    },
    ...(caches.size > 0 && { wipe: [...caches] }),
  }
  return {
    policy,
    before: base,
    comment: `taken over from ${first.program} by kubeguard adopt; back to it: kubeguard eject`,
    logIns,
    contexts,
    ...(file !== undefined && authorities !== undefined && { authorities: { file, base64: authorities } }),
  }
}

/** As curl and Go read it (httpproxy): of NO_PROXY names and what ends in them. @returns the variable's name */
function proxyFor(issuer: string, environment: NodeJS.ProcessEnv): string | undefined {
  const host = URL.canParse(issuer) ? new URL(issuer).hostname : ''
  const spared = (environment['no_proxy'] ?? environment['NO_PROXY'] ?? '')
    .split(',')
    .map((name) => name.trim())
  const isSpared = spared.some(
    (name) => name === '*' || (name !== '' && `.${host}`.endsWith(`.${name.replace(/^\*?\./, '')}`)),
  )
  // Go never sends what is on this machine through a proxy.
  if (isSpared || host === 'localhost' || host === '127.0.0.1' || host === '[::1]') return undefined
  return ['https_proxy', 'HTTPS_PROXY'].find((name) => (environment[name] ?? '') !== '')
}
