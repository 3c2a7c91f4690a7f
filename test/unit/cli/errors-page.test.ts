import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { errorCatalogue } from '../../../src/domain/errors.ts'
import { exitCodes } from '../../../src/domain/exit-codes.ts'
import { repository } from '../../fixtures/terminal.ts'

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')

/** Rows of the table of error codes: code, exit code, when, cure. */
const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (\d+) \| (.+) \| (.+) \|$/gm)].map(
  ([, code, exit, when, cure]) => ({
    code,
    exitCode: Number(exit),
    when,
    cure,
  }),
)

test('the page and the catalogue list the same codes, in the same order', () => {
  expect(rows.map(({ code }) => code)).toEqual(Object.keys(errorCatalogue))
})

test.each(Object.entries(errorCatalogue))(
  '%s has the same exit code and cure on the page',
  (code, { exitCode, cure }) => {
    const row = rows.find((each) => each.code === code)
    expect(row).toMatchObject({ exitCode, cure })
    expect(row?.when).toMatch(/\.$/)
  },
)

test('the page lists the exit codes that there are, in the same words', () => {
  const listed = [...page.matchAll(/^\| (\d+) \| (.+) \|$/gm)].map(([, code = '', about]) => [code, about])
  expect(listed).toEqual(Object.entries(exitCodes).map(([code, words]) => [code, words.join('; ')]))
})

/** Every source but the catalogue itself. */
const sources = globSync(['src/**/*.ts', 'native/**/*.{c,h}', 'bin/*', 'shell/*'], { cwd: repository })
  .filter((file) => file !== 'src/domain/errors.ts' && statSync(join(repository, file)).isFile())
  .map((file) => ({ file, text: readFileSync(join(repository, file), 'utf8') }))

test('every exit code of the catalogue, and every one that a source names, is explained', () => {
  const named = sources.flatMap(({ text }) => [
    ...text.matchAll(/\b(?:exit(?:Unusable|Locked|Usage)? = |exit |EXIT_\w+ )(6[4-9]|7[0-9])\b/g),
  ])
  const codes = [
    ...named.map(([, code]) => Number(code)),
    ...Object.values(errorCatalogue).map(({ exitCode }) => exitCode),
  ]
  expect(named.length).toBeGreaterThan(3)
  expect(Object.keys(exitCodes).map(Number)).toEqual(expect.arrayContaining(codes))
})

/** An entry that nothing raises would be a promise. */
test.each(Object.keys(errorCatalogue))('%s is raised somewhere', (code) => {
  const raised = sources.filter(({ text }) => text.includes(`'${code}'`) || text.includes(`"${code}"`))
  expect(raised.map(({ file }) => file)).not.toEqual([])
})

test('cures and messages keep the house style: lower case, no full stop', () => {
  for (const { cure } of Object.values(errorCatalogue)) expect(cure).toMatch(/^[^A-Z].*[^.]$/)
})
