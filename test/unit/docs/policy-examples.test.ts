import { parseAllDocuments } from 'yaml'
import { expect, test } from 'vitest'
import { isMapping } from '../../../src/domain/policy-document.ts'
import { policyKeys } from '../../../src/domain/policy-fields.ts'
import { policyApiVersion } from '../../../src/domain/validate-policies.ts'
import { blocksOf, pages } from '../../fixtures/pages.ts'
import { mistakesIn } from './policy-example.ts'

/** Is it ours, and not Kubernetes’ or another tool’s? `name` and `contexts` alone say nothing. */
function isPolicy(raw: unknown): boolean {
  if (!isMapping(raw)) return false
  if (raw['apiVersion'] !== undefined)
    return String(raw['apiVersion']).startsWith(`${policyApiVersion.split('/')[0]}/`)
  const telling = ['policies', ...policyKeys.filter((key) => !['name', 'contexts'].includes(key))]
  return raw['kind'] === undefined && Object.keys(raw).some((key) => telling.includes(key))
}

const examples = pages()
  .flatMap((page) => blocksOf(page))
  .filter(({ language }) => ['yaml', 'yml'].includes(language))
  .map(({ place, lines }) => ({ place, text: lines.join('\n') }))
  .filter(({ text }) => isPolicy(parseAllDocuments(text)[0]?.toJS()))

test('there are such examples in the pages', () => {
  expect(examples.length).toBeGreaterThan(30)
})

test.each(examples)('the policy at $place is one that kubeguard takes', ({ text }) => {
  expect(mistakesIn(text)).toEqual([])
})
