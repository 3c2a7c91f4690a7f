import { policyForContext } from '../domain/policy.ts'
import type { Policy, PolicySet } from '../domain/policy.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { ContextPlace, LoadedFile } from './load-files.ts'

/** Which users are adopted, and under which policy. */
export interface Placement {
  takes(file: LoadedFile, user: UserEntry): boolean
  /** One policy for all of a user's contexts; undefined where each context decides. */
  fixed(file: LoadedFile, user: UserEntry, contexts: readonly ContextPlace[]): PolicyName | undefined
  forContext(context: string): PolicyName
}

export type PolicyName = Pick<Policy, 'name'>

/** A user that no context uses goes where a context of its name would go. */
export function placementByRules({
  users = [],
  policies,
}: {
  readonly users?: readonly string[]
  readonly policies: PolicySet
}): Placement {
  return {
    takes: (_, user) => users.length === 0 || users.includes(user.name),
    fixed: (_, user, contexts) => (contexts.length === 0 ? policyForContext(policies, user.name) : undefined),
    forContext: (context) => policyForContext(policies, context),
  }
}
