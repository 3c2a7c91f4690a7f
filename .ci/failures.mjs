// failures.mjs REPORT…: names every failed test of vitest's JSON reports, with the beginning of what it said.
import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/** Enough for the assertion and the line it stands in; the whole is further up. */
const LINES = 15

const head = (message) => stripVTControlCharacters(message).trim().split('\n').slice(0, LINES).join('\n    ')

for (const file of process.argv.slice(2)) {
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  for (const suite of report.testResults ?? []) {
    const name = relative(process.cwd(), suite.name)
    if (suite.status === 'failed' && suite.assertionResults.length === 0)
      console.log(`FAILED ${name}\n    ${head(suite.message)}`)
    for (const test of suite.assertionResults.filter(({ status }) => status === 'failed'))
      console.log(`FAILED ${name} > ${test.fullName}\n    ${head(test.failureMessages.join('\n'))}`)
  }
}
