import { pathToFileURL } from 'node:url'
import { auditRules } from '../domain/audit-rules.ts'
import type { AuditRule } from '../domain/audit-rules.ts'
import type { AuditFinding, AuditReport } from '../protocol/reports.ts'
import { sarifLevels, sarifLog } from './sarif.ts'

const ruleIds = Object.keys(auditRules) as AuditRule[]

/** The report as SARIF, beside the files. */
export function sarifOf(report: AuditReport): unknown {
  const rules = Object.fromEntries(
    ruleIds.map((id) => [id, { ...auditRules[id], help: auditRules[id].cure }]),
  )
  return sarifLog(rules, report.findings.map(resultOf))
}

function resultOf({ rule, severity, message, cure, file, line, column }: AuditFinding): object {
  const region = {
    ...(line !== undefined && { startLine: line }),
    ...(column !== undefined && { startColumn: column }),
  }
  return {
    ruleId: rule,
    ruleIndex: ruleIds.indexOf(rule),
    level: sarifLevels[severity],
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
