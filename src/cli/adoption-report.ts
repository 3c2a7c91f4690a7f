import type { AdoptedUser, AdoptReport, LeftUser } from '../protocol/reports.ts'
import { clean, cleanLines } from './clean-text.ts'
import { formatTimestamp } from './duration.ts'
import { coloursFor, print } from './output.ts'
import { table } from './table.ts'

/** The diff, what is adopted at which strength, what stays and why, and the advice. */
export function printAdoption(report: AdoptReport): void {
  if (report.dryRun && report.diff !== '') print(colouredDiff(report.diff))
  const head = ['user', 'file', 'policy', 'kind', 'strength', 'ends']
  if (report.adopted.length > 0) for (const line of table(head, report.adopted.map(adoptedRow))) print(line)
  for (const user of report.left) print(leftLine(user))
  for (const advice of new Set([...report.adopted, ...report.left].flatMap((user) => user.advice))) {
    print(`advice: ${clean(advice)}`)
  }
}

function adoptedRow(user: AdoptedUser): string[] {
  const ends = user.expiresAtMs === undefined ? '' : formatTimestamp(user.expiresAtMs)
  return [clean(user.user), clean(user.file), user.policy, user.kind, user.strength, ends]
}

const reasons: Readonly<Record<LeftUser['because'], string>> = {
  'already': 'guarded already',
  'exec': 'unguarded: has an exec plugin of its own',
  'basic': 'unguarded: basic auth can’t be given by a plugin',
  'auth-provider': 'unguarded: has an auth provider',
  'none': 'holds no secret',
}

function leftLine(user: LeftUser): string {
  return `${clean(user.user)} (${clean(user.file)}): ${reasons[user.because]}`
}

function colouredDiff(diff: string): string {
  const { red, green } = coloursFor(process.stdout)
  const paint = (line: string): string =>
    line.startsWith('-') ? red(line) : line.startsWith('+') ? green(line) : line
  return cleanLines(diff).trimEnd().split('\n').map(paint).join('\n')
}
