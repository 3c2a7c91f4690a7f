import type { Severity } from '../domain/audit-rules.ts'
import { version } from '../platform/install.ts'

/** Levels of SARIF 2.1.0, §3.27.10. */
export const sarifLevels: Readonly<Record<Severity, string>> = {
  high: 'error',
  medium: 'warning',
  low: 'note',
}

/** What GitHub sorts by: 7 to 8.9 is high, 4 to 6.9 medium, below that low. */
const ranks: Readonly<Record<Severity, string>> = { high: '8.0', medium: '5.0', low: '2.0' }

export interface SarifRule {
  readonly severity: Severity
  readonly title: string
  readonly help: string
}

/** One run as SARIF 2.1.0 (OASIS), which code hosts show. */
export function sarifLog(
  rules: Readonly<Record<string, SarifRule>>,
  results: readonly object[],
  run: object = {},
): unknown {
  const described = Object.entries(rules).map(([id, rule]) => describe(id, rule))
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'kubeguard', semanticVersion: version(), rules: described } },
        columnKind: 'utf16CodeUnits',
        ...run,
        results,
      },
    ],
  }
}

function describe(id: string, { severity, title, help }: SarifRule): object {
  return {
    id,
    shortDescription: { text: title },
    help: { text: help },
    defaultConfiguration: { level: sarifLevels[severity] },
    properties: { 'security-severity': ranks[severity], 'tags': ['security'] },
  }
}
