import { homedir } from 'node:os'
import type { Severity } from '../domain/audit-rules.ts'
import type { AuditFinding } from '../protocol/reports.ts'
import { clean } from './clean-text.ts'
import { coloursFor } from './output.ts'
import { width, wrap } from './table.ts'

type Stream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>

/** Narrower than this nothing can be read any more: longer lines are left to the terminal. */
const leastColumns = 30

/**
 * A block for each finding: severity, rule and place, then what it is and its cure, no line wider than the
 * terminal. Where the stream is none, a finding is one line, for grep and the like.
 */
export function findingLines(findings: readonly AuditFinding[], stream: Stream): string[] {
  const colours = coloursFor(stream)
  const paint: Readonly<Record<Severity, (text: string) => string>> = {
    high: (text) => colours.bold(colours.red(text)),
    medium: colours.yellow,
    low: colours.dim,
  }
  const columns = stream.isTTY === true ? Math.max(stream.columns, leastColumns) : Number.POSITIVE_INFINITY
  return findings.flatMap((finding) => {
    const severity = paint[finding.severity](finding.severity.padEnd(6))
    const [message, cure] = [clean(finding.message), clean(finding.cure)]
    if (columns === Number.POSITIVE_INFINITY)
      return [`${severity}  ${placeOf(finding)}  ${finding.rule}: ${message}; ${cure}`]
    const head = headLines(finding, severity, columns, colours.bold)
    const indented = (text: string): string[] =>
      wrap(text, columns - indent.length).map((line) => indent + line)
    return [...head, ...indented(message), ...indented(cure).map(colours.dim)]
  })
}

const indent = ' '.repeat(8)

function headLines(
  finding: AuditFinding,
  severity: string,
  columns: number,
  bold: (text: string) => string,
): string[] {
  const place = placeOf(finding)
  const head = `${severity}  ${bold(finding.rule)}`
  if (width(head) + 2 + width(place) <= columns) return [`${head}  ${place}`]
  return [head, ...wrap(place, columns - indent.length).map((line) => indent + line)]
}

/** `~/.kube/config:12` */
function placeOf({ file, line }: AuditFinding): string {
  const home = homedir()
  const short = file.startsWith(`${home}/`) ? `~${file.slice(home.length)}` : file
  return clean(line === undefined ? short : `${short}:${line}`)
}
