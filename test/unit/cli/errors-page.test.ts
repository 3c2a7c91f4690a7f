import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorCatalogue } from '../../../src/domain/errors.ts'

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

test('every exit code of the catalogue is explained', () => {
  const explained = [...page.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code))
  for (const { exitCode } of Object.values(errorCatalogue)) expect(explained).toContain(exitCode)
})

test('cures and messages keep the house style: lower case, no full stop', () => {
  for (const { cure } of Object.values(errorCatalogue)) expect(cure).toMatch(/^[^A-Z].*[^.]$/)
})
