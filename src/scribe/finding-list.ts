import { auditRules, severities } from '../domain/audit-rules.ts'
import type { AuditRule } from '../domain/audit-rules.ts'
import { plainText } from '../domain/plain-text.ts'
import type { AuditFinding } from '../protocol/reports.ts'

/** Where a finding is. Line and column from 1. */
export interface Place {
  readonly file: string
  readonly line?: number
  readonly column?: number
}

export interface Whose {
  readonly user: string
  readonly contexts: readonly string[]
}

/** More than anybody reads; a report is one JSON document. */
const mostFindings = 20_000
/** Longer than any name, issuer or message that helps anyone. */
const mostCharacters = 1_000

/** Collects findings. A message never holds a secret: whoever adds one sees to that. */
export class FindingList {
  readonly #findings: AuditFinding[] = []
  readonly #seen = new Set<string>()
  leftOut = 0

  add(rule: AuditRule, message: string, place: Place, whose?: Whose): void {
    const key = [rule, place.file, place.line ?? '', place.column ?? '', whose?.user ?? ''].join('\0')
    if (this.#seen.has(key)) return
    if (this.#findings.length >= mostFindings) {
      this.leftOut += 1
      return
    }
    this.#seen.add(key)
    const { severity, cure } = auditRules[rule]
    this.#findings.push({
      rule,
      severity,
      message: plainText(message, mostCharacters),
      cure,
      ...place,
      ...(whose !== undefined && whose),
    })
  }

  /** Worst first, then by file and line. */
  sorted(): AuditFinding[] {
    const rank = ({ severity }: AuditFinding): number => severities.indexOf(severity)
    return this.#findings.toSorted(
      (a, b) =>
        rank(a) - rank(b) || (a.file < b.file ? -1 : a.file > b.file ? 1 : (a.line ?? 0) - (b.line ?? 0)),
    )
  }
}

/** `admin (prod-eu, prod-us)` */
export function describeUser({ user, contexts }: Whose): string {
  const [first, second, ...more] = contexts
  if (first === undefined) return `${user} (no context)`
  const rest = more.length === 0 ? '' : ` and ${more.length} more`
  return `${user} (${second === undefined ? first : `${first}, ${second}`}${rest})`
}

/** ISO 8601, UTC, to the minute. */
export function dayOf(ms: number): string {
  const moment = new Date(ms)
  // A token may name a year that no calendar has.
  if (Number.isNaN(moment.getTime())) return 'a day beyond the calendar'
  return `${moment.toISOString().slice(0, -8).replace('T', ' ')} UTC`
}
