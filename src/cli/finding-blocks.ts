import type { Severity } from '../domain/audit-rules.ts'
import { clean } from './clean-text.ts'
import { coloursFor } from './output.ts'
import { width, wrap } from './table.ts'

type Stream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>

/** One thing that is not as it should be. */
export interface Finding {
  readonly severity: Severity
  readonly rule: string
  readonly place: string
  readonly message: string
  readonly cures: readonly string[]
}

/** Narrower than this nothing can be read any more: longer lines are left to the terminal. */
const leastColumns = 30

/** How wide lines may be; without an end where the stream is no terminal. */
export const columnsOf = (stream: Stream): number =>
  stream.isTTY === true ? Math.max(stream.columns, leastColumns) : Number.POSITIVE_INFINITY

/**
 * A block for each finding: severity, rule and place, then what it is and its cures, no line wider than the
 * terminal. Where the stream is none, a finding is one line, for grep and the like.
 */
export function findingBlocks(findings: readonly Finding[], stream: Stream): string[] {
  const colours = coloursFor(stream)
  const paint: Readonly<Record<Severity, (text: string) => string>> = {
    high: (text) => colours.bold(colours.red(text)),
    medium: colours.yellow,
    low: colours.dim,
  }
  const columns = columnsOf(stream)
  return findings.flatMap((finding) => {
    const severity = paint[finding.severity](finding.severity.padEnd(6))
    const [place, message, ...cures] = [finding.place, finding.message, ...finding.cures].map(clean)
    if (columns === Number.POSITIVE_INFINITY)
      return [`${severity}  ${place}  ${finding.rule}: ${[message, ...cures].join('; ')}`]
    const head = headLines(`${severity}  ${colours.bold(finding.rule)}`, place ?? '', columns)
    const lines = indented(message ?? '', columns)
    return [...head, ...lines, ...cures.flatMap((cure) => indented(cure, columns)).map(colours.dim)]
  })
}

const indent = ' '.repeat(8)

/** @returns the text below a finding’s first line. */
export const indented = (text: string, columns: number): string[] =>
  wrap(text, columns - indent.length).map((line) => indent + line)

function headLines(head: string, place: string, columns: number): string[] {
  return width(head) + 2 + width(place) <= columns
    ? [`${head}  ${place}`]
    : [head, ...indented(place, columns)]
}
