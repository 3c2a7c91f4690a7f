import { Option } from '@commander-js/extra-typings'
import { severities } from '../domain/audit-rules.ts'
import type { Severity } from '../domain/audit-rules.ts'

const formats = ['table', 'json', 'sarif'] as const
const failLevels = [...severities, 'never'] as const

export type FindingFormat = (typeof formats)[number]
export type FailLevel = (typeof failLevels)[number]

/** `--format FORMAT` of what finds something. */
export function formatOption() {
  return new Option('--format <format>', 'how to print it').choices(formats).default('table' as const)
}

/** `--fail-on LEVEL` */
export function failOnOption() {
  return new Option('--fail-on <level>', 'exit code 1 where a finding is this bad or worse')
    .choices(failLevels)
    .default('high' as const)
}

/** `2 high, 1 low`. */
export function severityCounts(findings: readonly { readonly severity: Severity }[]): string {
  return severities
    .map((level) => [findings.filter(({ severity }) => severity === level).length, level] as const)
    .filter(([found]) => found > 0)
    .map(([found, level]) => `${found} ${level}`)
    .join(', ')
}
