import { policyForContext } from '../domain/policy.ts'
import type { PolicyReport } from '../protocol/reports.ts'
import type { PolicyFileKind } from '../domain/explain-policy.ts'
import type { PolicyOrigins, PolicySource } from './ports.ts'

/** The rules in force, what is wrong with the files, and which rule applies to a context. */
export function reportPolicy(policies: PolicySource & PolicyOrigins, context?: string): PolicyReport {
  const inForce = policies.current()
  return {
    files: policies.files(),
    policies: inForce.map((policy) => ({ ...policy, tightenedBy: policies.tightenedBy(policy.name) })),
    problems: policies.problems(),
    lastGoodInForce: policies.problems().some((problem) => problem.severity !== 'warning'),
    ...(context === undefined ? {} : { explained: explain(policies, context) }),
  }
}

function explain(
  policies: PolicySource & PolicyOrigins,
  context: string,
): NonNullable<PolicyReport['explained']> {
  const policy = policyForContext(policies.current(), context)
  const globs = policy.contexts.join(', ')
  return {
    context,
    policy: policy.name,
    because: `first policy whose contexts (${globs}) match`,
    decided: policies
      .decidedFor(context)
      .map(({ by, ...rule }) => ({ ...rule, by: by.map((kind) => pathOf(policies, kind)) })),
  }
}

const pathOf = (policies: PolicySource, wanted: PolicyFileKind): string =>
  policies.files().find(({ kind }) => kind === wanted)?.path ?? wanted
