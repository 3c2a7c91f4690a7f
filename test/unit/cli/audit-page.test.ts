import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { auditRules } from '../../../src/domain/audit-rules.ts'

const page = readFileSync(new URL('../../../docs/audit.md', import.meta.url), 'utf8')

const rows = [...page.matchAll(/^\| `([a-z-]+)` \| ([a-z]+) \| (.+) \| (.+) \|$/gm)].map(
  ([, id, severity, title, cure]) => [id, { severity, title, cure }],
)

test('the page and the catalogue list the same findings, in the same order and words', () => {
  expect(Object.fromEntries(rows)).toEqual(auditRules)
  expect(rows.map(([id]) => id)).toEqual(Object.keys(auditRules))
})

test('titles and cures keep the house style: lower case, no full stop', () => {
  for (const { title, cure } of Object.values(auditRules))
    for (const text of [title, cure]) expect(text).toMatch(/^[^A-Z].*[^.]$/)
})

/** A rule that nothing raises would be a promise. */
test('every finding is raised somewhere', () => {
  const sources = ['audit', 'audit-user', 'audit-secrets', 'audit-cluster', 'audit-file', 'audit-caches']
    .map((name) => readFileSync(new URL(`../../../src/scribe/${name}.ts`, import.meta.url), 'utf8'))
    .join('\n')
  for (const id of Object.keys(auditRules)) expect(sources).toContain(`'${id}'`)
})
