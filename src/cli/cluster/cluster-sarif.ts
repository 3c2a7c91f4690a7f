import type { ClusterFinding, ClusterReport } from '../../cluster-check/report.ts'
import { clusterRules } from '../../cluster-check/rules.ts'
import type { ClusterRuleId } from '../../cluster-check/rules.ts'
import { settingLines } from '../../cluster-check/settings.ts'
import { sarifLevels, sarifLog } from '../sarif.ts'

const ruleIds = Object.keys(clusterRules) as ClusterRuleId[]

/** The report as SARIF: objects of a cluster are logical locations (§3.33), what was not seen are notifications. */
export function clusterSarif(report: ClusterReport): unknown {
  const rules = Object.fromEntries(
    ruleIds.map((id) => [
      id,
      { ...clusterRules[id], help: settingLines(clusterRules[id].settings).join('\n') },
    ]),
  )
  const toolExecutionNotifications = report.notSeen.map(({ what, needs }) => ({
    level: 'note',
    message: { text: `not seen: ${what}: needs ${needs}` },
  }))
  const invocations = [{ executionSuccessful: true, toolExecutionNotifications }]
  return sarifLog(
    rules,
    report.findings.map((finding) => resultOf(finding, report)),
    { invocations },
  )
}

function resultOf(
  { rule, severity, place, evidence, settings }: ClusterFinding,
  report: ClusterReport,
): object {
  return {
    ruleId: rule,
    ruleIndex: ruleIds.indexOf(rule),
    level: sarifLevels[severity],
    message: { text: `${clusterRules[rule].title}: ${evidence}; ${settings[report.platform]}` },
    locations: [
      {
        logicalLocations: [
          { name: place, fullyQualifiedName: `${report.server} ${place}`, kind: 'resource' },
        ],
      },
    ],
  }
}
