import { pathToFileURL } from 'node:url'
import { auditRules } from '../domain/audit-rules.ts'
import type { AuditRule, Severity } from '../domain/audit-rules.ts'
import { version } from '../platform/install.ts'
import type { AuditFinding, AuditReport } from '../protocol/reports.ts'

const levels: Readonly<Record<Severity, string>> = { high: 'error', medium: 'warning', low: 'note' }

/** What GitHub sorts by: 7 to 8.9 is high, 4 to 6.9 medium, below that low. */
const ranks: Readonly<Record<Severity, string>> = { high: '8.0', medium: '5.0', low: '2.0' }

const ruleIds = Object.keys(auditRules) as AuditRule[]

/** The report as SARIF 2.1.0 (OASIS), which code hosts show beside the files. */
export function sarifOf(report: AuditReport): unknown {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'kubeguard', semanticVersion: version(), rules: ruleIds.map(ruleOf) } },
        columnKind: 'utf16CodeUnits',
        results: report.findings.map(resultOf),
      },
    ],
  }
}

function ruleOf(id: AuditRule): unknown {
  const { severity, title, cure } = auditRules[id]
  return {
    id,
    shortDescription: { text: title },
    help: { text: cure },
    defaultConfiguration: { level: levels[severity] },
    properties: { 'security-severity': ranks[severity], 'tags': ['security'] },
  }
}

function resultOf({ rule, severity, message, cure, file, line, column }: AuditFinding): unknown {
  const region = {
    ...(line !== undefined && { startLine: line }),
    ...(column !== undefined && { startColumn: column }),
  }
  return {
    ruleId: rule,
    ruleIndex: ruleIds.indexOf(rule),
    level: levels[severity],
    message: { text: `${message}; ${cure}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: pathToFileURL(file).href },
          ...(line !== undefined && { region }),
        },
      },
    ],
  }
}
