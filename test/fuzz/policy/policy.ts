import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parse } from 'yaml'
import { parseDuration } from '../../../src/domain/duration.ts'
import type { Policy } from '../../../src/domain/policy.ts'
import { isMapping } from '../../../src/domain/policy-document.ts'
import { parsePolicyFile } from '../../../src/platform/policy-file/parse-policy-file.ts'
import { hold } from '../target.ts'
import type { Target } from '../target.ts'
import { policyText } from './texts.ts'

const path = '/x/config.yaml'
/** Far more than any of these takes on a slow machine: it is for what never ends. */
const longestMs = 20_000

/** Fields that are durations, and fields that are words, by what a policy calls them. */
const durations = {
  idle: 'idleMs',
  lifetime: 'lifetimeMs',
  finish: 'finishMs',
  suspendFor: 'suspendForMs',
} as const
const choices = ['notify', 'scope', 'live', 'holders', 'hold', 'absorb', 'access'] as const

function assertProblems(text: string, problems: ReturnType<typeof parsePolicyFile>['problems']): void {
  const lines = text.split('\n').length
  for (const { file, line, column, message, cure } of problems) {
    assert.equal(file, path)
    assert.ok(line >= 1 && line <= lines && column >= 1, `no place in the file: ${line}:${column}`)
    assert.match(message, /^[^\p{Cc}]+$/u)
    assert.match(cure, /^[^\p{Cc}]+$/u)
  }
}

/** What a policy says holds: not more, and nothing in its place. */
function assertSaid(said: Readonly<Record<string, unknown>>, policy: Policy): void {
  assert.equal(policy.name, said['name'])
  assert.deepEqual([...policy.contexts], said['contexts'])
  for (const [name, field] of Object.entries(durations) as [keyof typeof durations, keyof Policy][]) {
    if (said[name] !== undefined) assert.equal(policy[field], parseDuration(said[name] as string), name)
  }
  for (const name of choices) if (said[name] !== undefined) assert.equal(policy[name], said[name], name)
}

function assertAccepted(text: string, policies: readonly Policy[]): void {
  const raw: unknown = parse(text, { maxAliasCount: 100, logLevel: 'silent' })
  assert.ok(isMapping(raw) && Array.isArray(raw['policies']), 'a file without policies was taken for one')
  const list = raw['policies'] as Readonly<Record<string, unknown>>[]
  const wide = list.findIndex(({ contexts }) => Array.isArray(contexts) && contexts.includes('*'))
  const reached = wide < 0 ? list : list.slice(0, wide + 1)
  assert.equal(policies.length, wide < 0 ? list.length + 1 : reached.length)
  for (const [index, said] of reached.entries()) assertSaid(said, policies[index] as Policy)
}

export const policy: Target = {
  name: 'policy',
  about:
    'policy files with damage, bombs of aliases, endless nesting: what they say, or an error with its place',
  shortRuns: 80,
  async run(effort) {
    const counts = { texts: 0, accepted: 0, refused: 0 }
    const property = fc.property(policyText, (text) => {
      counts.texts += 1
      const began = performance.now()
      const { policies, problems } = parsePolicyFile(text, path)
      assert.ok(performance.now() - began < longestMs, 'reading it takes for ever')
      const failed = problems.some(({ severity }) => severity === 'error')
      assert.equal(policies === undefined, failed, 'no policies and no reason, or both')
      assertProblems(text, problems)
      counts[failed ? 'refused' : 'accepted'] += 1
      if (policies !== undefined) assertAccepted(text, policies)
    })
    await hold(property, effort)
    return { ...counts }
  },
}
