import { parse } from 'yaml'
import { defaultPolicy, loosestPolicy } from '../../../src/domain/default-policies.ts'
import type { Policy } from '../../../src/domain/policy.ts'
import { isMapping } from '../../../src/domain/policy-document.ts'
import { policyApiVersion } from '../../../src/domain/validate-policies.ts'
import { parsePolicyFile } from '../../../src/platform/policy-file/parse-policy-file.ts'

/** A whole policy file of an example, which may be one, or hold the fields of one policy or its list of policies. */
export function asFile(example: string): string {
  const raw: unknown = parse(example)
  if (!isMapping(raw)) throw new Error(`no mapping: ${example}`)
  if (raw['apiVersion'] !== undefined) return example
  const policies = raw['policies'] ?? [{ name: 'example', contexts: ['example-*'], ...raw }]
  return JSON.stringify({ apiVersion: policyApiVersion, policies })
}

/** @returns what the reader of policy files says is wrong with an example: message and cure. */
export function mistakesIn(example: string): readonly string[] {
  const { problems } = parsePolicyFile(asFile(example), 'example')
  return problems.map(({ message, cure }) => `${message}; ${cure}`)
}

/**
 * The first policy of an example.
 * @param by whose file it stands in: that decides what holds for the fields that it does not say
 * @throws Error with its mistakes
 */
export function policyOf(example: string, by: 'user' | 'organisation' = 'user'): Policy {
  const { policies, problems } = parsePolicyFile(
    asFile(example),
    'example',
    by === 'user' ? defaultPolicy : loosestPolicy,
  )
  const [policy] = policies ?? []
  if (policy === undefined) throw new Error(JSON.stringify(problems))
  return policy
}
