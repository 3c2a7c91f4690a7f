import { defaultPolicy } from './default-policies.ts'
import type { PolicyPlace, SaidKeys } from './explain-policy.ts'
import type { Policy, PolicyProblem, PolicySet } from './policy.ts'
import { isMapping, refuseOtherKeys, shown } from './policy-document.ts'
import type { PolicyPath, Report } from './policy-document.ts'
import { PolicyFields, policyKeys } from './policy-fields.ts'

export const policyApiVersion = 'kubeguard.dev/v1'

export type LocatePolicy = (path: PolicyPath) => PolicyPlace

export interface ValidatedPolicies {
  /** Undefined while there is any problem that is an error. */
  readonly policies: PolicySet | undefined
  /** Which keys each of its policies says, by name. */
  readonly said: ReadonlyMap<string, SaidKeys>
  readonly problems: readonly PolicyProblem[]
}

/** Most policies, and most globs in one, that a file may hold. */
const mostPolicies = 256

const topKeys = ['apiVersion', 'policies']
/** Designed, but not done by this version: to pass over them in silence would feign a guard. */
const laterTopKeys = ['audit', 'notify']

/**
 * Checks a parsed policy document. `rest` is what applies to contexts that no policy names, and its fields
 * are what a policy has where it does not say them itself.
 * Everything that is wrong is told at once, each with its place and cure; keys that this version does
 * not know or can't honour are errors.
 */
export function validatePolicies(
  raw: unknown,
  file: string,
  locate: LocatePolicy,
  rest: Policy = defaultPolicy,
): ValidatedPolicies {
  const problems: PolicyProblem[] = []
  const report: Report = (path, message, cure, severity = 'error') => {
    problems.push({ file, ...locate(path), message, cure, severity })
  }
  const policies = readDocument(raw, report, rest)
  const failed = problems.some((problem) => problem.severity === 'error')
  return { policies: failed ? undefined : policies, said: saidKeys(raw, locate), problems }
}

function saidKeys(raw: unknown, locate: LocatePolicy): ReadonlyMap<string, SaidKeys> {
  const list: readonly unknown[] = isMapping(raw) && Array.isArray(raw.policies) ? raw.policies : []
  return new Map(
    list.flatMap((policy, index) => {
      if (!isMapping(policy)) return []
      const keys = Object.keys(policy).map((key) => [key, locate(['policies', index, key])] as const)
      return [[String(policy['name']), new Map(keys)] as const]
    }),
  )
}

function readDocument(raw: unknown, report: Report, rest: Policy): PolicySet | undefined {
  if (!isMapping(raw)) {
    report([], 'the file holds no policies', `begin it with: apiVersion: ${policyApiVersion}`)
    return undefined
  }
  if (raw.apiVersion !== policyApiVersion) {
    const message =
      raw.apiVersion === undefined
        ? 'apiVersion is missing'
        : `apiVersion ${shown(raw.apiVersion)} is not known`
    report(
      raw.apiVersion === undefined ? [] : ['apiVersion'],
      message,
      `write: apiVersion: ${policyApiVersion}`,
    )
  }
  refuseOtherKeys(raw, [], { known: topKeys, later: laterTopKeys, within: policyKeys }, report)
  const list = raw.policies
  if (!Array.isArray(list) || list.length === 0 || list.length > mostPolicies) {
    const message =
      list === undefined ? 'policies is missing' : `policies must be a list of 1 to ${mostPolicies}`
    report(list === undefined ? [] : ['policies'], message, 'see: kubeguard policy show')
    return undefined
  }
  const policies = list.map((item, index) => new PolicyFields(item, ['policies', index], report, rest).read())
  if (policies.some((policy) => policy === undefined)) return undefined
  return completed(policies as Policy[], report, rest)
}

/** Names must tell policies apart, and something must catch the rest. */
function completed(policies: readonly Policy[], report: Report, rest: Policy): PolicySet {
  const seen = new Set<string>()
  policies.forEach((policy, index) => {
    if (seen.has(policy.name)) {
      report(
        ['policies', index, 'name'],
        `two policies are named ${shown(policy.name)}`,
        'give one of them another name',
      )
    }
    seen.add(policy.name)
  })
  const wide = policies.findIndex((policy) => policy.contexts.includes('*'))
  if (wide >= 0) {
    policies.slice(wide + 1).forEach((policy, offset) => {
      const message = `policy ${shown(policy.name)} is never reached: ${shown(policies[wide]?.name)} before it matches everything`
      report(['policies', wide + 1 + offset], message, 'move it up', 'warning')
    })
    return policies.slice(0, wide + 1)
  }
  if (seen.has(rest.name)) {
    const index = policies.findIndex((policy) => policy.name === rest.name)
    report(
      ['policies', index, 'contexts'],
      `policy ${shown(rest.name)} must match the rest`,
      'write: contexts: ["*"]',
    )
  }
  return [...policies, rest]
}
