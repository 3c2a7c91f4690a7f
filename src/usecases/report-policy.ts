import { policyForContext } from '../domain/policy.ts'
import type { PolicyProblem } from '../domain/policy.ts'
import type { PolicyReport } from '../protocol/reports.ts'
import type { PolicyFileKind } from '../domain/explain-policy.ts'
import type { PolicyOrigins, PolicySource, VaultCatalogue } from './ports.ts'
import { vaultOfOthers } from './served-credentials.ts'

interface Deps {
  readonly policies: PolicySource & PolicyOrigins
  readonly vaults: Pick<VaultCatalogue, 'credentials'>
}

/** The rules in force, what is wrong with the files, and which rule applies to a context. */
export function reportPolicy({ policies, vaults }: Deps, context?: string): PolicyReport {
  const inForce = policies.current()
  const problems = policies.problems()
  return {
    files: policies.files(),
    policies: inForce.map((policy) => ({ ...policy, tightenedBy: policies.tightenedBy(policy.name) })),
    problems: [...problems, ...vaultProblems(policies, vaults)],
    lastGoodInForce: problems.some((problem) => problem.severity !== 'warning'),
    ...(context === undefined ? {} : { explained: explain(policies, context) }),
  }
}

/** A rule that fits the file and not what is in the vaults. */
function vaultProblems(policies: Deps['policies'], vaults: Deps['vaults']): PolicyProblem[] {
  const file = policies.files().findLast(({ exists }) => exists)?.path ?? ''
  return policies.current().flatMap(({ name, unlock, contexts }) => {
    const message = vaultOfOthers(vaults, name, unlock)
    if (message === undefined) return []
    // A glob of its own stands for whatever context it is for.
    const place = policies.saidAt(contexts[0] ?? name, 'unlock') ?? { file, line: 1, column: 1 }
    const cure =
      'write unlock: [passphrase] here, or take them out: kubeguard eject, then adopt them under another policy'
    return [{ ...place, message, cure }]
  })
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
