import { isGiven } from './given-credential.ts'
import type { Policy } from './policy.ts'
import type { Report } from './policy-document.ts'

interface Rules {
  readonly unlock: Policy['unlock']
  readonly isPerTerminal: boolean
  readonly isEphemeral: boolean
}

/** What may never stand in a kubeconfig in plain text, though the policy wants it there. */
export const whyNotMaterialized = ({ unlock, isPerTerminal, isEphemeral }: Rules): string[] => [
  ...(isGiven(unlock) ? ['nothing that a log-in gives is ever put on disk'] : []),
  ...(isPerTerminal ? ['what stands in a kubeconfig is there for every terminal (scope: terminal)'] : []),
  ...(isEphemeral ? ['nothing of an ephemeral session is ever put on disk'] : []),
]

/** What no gateway serves, of rules that the file of a user and that of an organisation make together. */
export function whyNoGateway({
  access,
  unlock,
  ephemeral,
  scope,
}: Pick<Policy, 'access' | 'unlock' | 'ephemeral' | 'scope'>): string | undefined {
  if (access !== 'gateway') return undefined
  if (ephemeral !== undefined) return 'which serves no ephemeral session'
  if (isGiven(unlock)) return 'which does not serve what a log-in gives (unlock: [oidc])'
  if (scope === 'terminal') return 'which has one port, for one session (scope: terminal)'
  return undefined
}

/** What does not go together with a gateway, and what is nothing without one. */
export function checkGateway(
  policy: Rules & {
    readonly materialize: boolean
    readonly access: string
    readonly deny: Policy['deny']
    /** As it stands there. */
    readonly impersonate: string | undefined
  },
  report: Report,
): void {
  const refuse = (why: string, cure: string): void => report(['access'], `access: gateway ${why}`, cure)
  if (policy.access !== 'gateway') return refuseWithout(policy, report)
  if (policy.materialize) refuse('keeps what materialize would write down', 'remove one of them')
  if (isGiven(policy.unlock)) refuse('does not serve what a log-in gives', 'write: access: plugin')
  if (policy.isEphemeral) refuse('does not serve ephemeral sessions', 'remove one of them')
  if (policy.isPerTerminal)
    refuse('has one port, for one session (scope: terminal)', 'write: scope: user, or access: plugin')
}

function refuseWithout(
  { deny, impersonate }: { readonly deny: Policy['deny']; readonly impersonate: string | undefined },
  report: Report,
): void {
  const sees = 'nothing but a gateway sees what a client asks for'
  const cure = 'write: access: gateway, too'
  if (deny.length > 0) report(['deny'], `deny: ${sees}`, cure)
  if (impersonate === 'never') report(['impersonate'], `impersonate: ${sees}`, cure)
  if (impersonate === 'allow')
    report(['impersonate'], 'impersonate: only a gateway stands in its way', 'remove it')
}
