// count.mjs REPORT STATUS: prints "passed failed skipped" of one vitest run, from its JSON report and exit status.
import { existsSync, readFileSync } from 'node:fs'

const [file, status] = process.argv.slice(2)
const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
const passed = report.numPassedTests ?? 0
const skipped = (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0)
// A suite that could not be loaded, an unhandled error or a failed check has no failed test of its own.
const brokenSuites = (report.testResults ?? []).filter(
  (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
)
const failed = (report.numFailedTests ?? 0) + brokenSuites.length
console.log(passed, status !== '0' && failed === 0 ? 1 : failed, skipped)
