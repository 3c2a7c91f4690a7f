import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { clusterRules, lifetimeRule } from '../../../src/cluster-check/rules.ts'
import { platforms } from '../../../src/cluster-check/settings.ts'

const page = readFileSync(new URL('../../../docs/cluster-check.md', import.meta.url), 'utf8')

test('titles keep the house style: lower case, no full stop', () => {
  for (const { title } of Object.values(clusterRules))
    expect(title).toMatch(/^[^A-Z].*[^.]$|^TokenRequest .*[^.]$/)
})

test('every finding has a setting for every platform, and only placeholders that are filled', () => {
  for (const { settings } of Object.values(clusterRules))
    for (const platform of platforms) {
      expect(settings[platform]).toMatch(/\S/)
      for (const [, word] of settings[platform].matchAll(/\{([a-z]+)\}/g))
        expect(['kind', 'namespace', 'name', 'id']).toContain(word)
    }
})

test('the page lists every finding, and has the rule that is printed', () => {
  const listed = [...page.matchAll(/^\| \[`([a-z-]+)`\]/gm)].map(([, id]) => id)
  expect(listed).toEqual(Object.keys(clusterRules))
  expect(page).toContain(`- expression: ${lifetimeRule}\n`)
})

/** A rule that nothing raises would be a promise. */
test('every finding is raised somewhere', () => {
  const folder = new URL('../../../src/cluster-check/checks/', import.meta.url)
  const text = readdirSync(folder)
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n')
  for (const id of Object.keys(clusterRules)) expect(text).toContain(`'${id}'`)
})
