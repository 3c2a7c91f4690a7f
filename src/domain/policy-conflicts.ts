import { isGiven } from './given-credential.ts'
import type { Policy } from './policy.ts'
import type { Report } from './policy-document.ts'

/** What may never stand in a kubeconfig in plain text, though the policy wants it there. */
export function refuseMaterialize(
  { unlock, isPerTerminal }: { readonly unlock: Policy['unlock']; readonly isPerTerminal: boolean },
  report: Report,
): void {
  const refuse = (why: string): void => report(['materialize'], `materialize: ${why}`, 'remove it')
  if (isGiven(unlock)) refuse('nothing that a log-in gives is ever put on disk')
  if (isPerTerminal) refuse('what stands in a kubeconfig is there for every terminal (scope: terminal)')
}

/** What does not go together with a gateway. */
export function refuseGateway(
  policy: {
    readonly materialize: boolean
    readonly unlock: Policy['unlock']
    readonly isPerTerminal: boolean
  },
  report: Report,
): void {
  const refuse = (why: string, cure: string): void => report(['access'], `access: gateway ${why}`, cure)
  if (policy.materialize) refuse('keeps what materialize would write down', 'remove one of them')
  if (isGiven(policy.unlock)) refuse('does not serve what a log-in gives', 'write: access: plugin')
  if (policy.isPerTerminal)
    refuse('has one port, for one session (scope: terminal)', 'write: scope: user, or access: plugin')
}
