import type { ClusterReport } from '../../cluster-check/report.ts'
import { clusterRules } from '../../cluster-check/rules.ts'
import { settingLines } from '../../cluster-check/settings.ts'
import type { Platform } from '../../cluster-check/settings.ts'
import { clean } from '../clean-text.ts'
import { columnsOf, findingBlocks, indented } from '../finding-blocks.ts'

type Stream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>

/** What was found, each with its setting on this platform or on all of them, and then what could not be seen. */
export function clusterLines(report: ClusterReport, shown: Platform | 'all', stream: Stream): string[] {
  const blocks = report.findings.map(({ rule, severity, place, evidence, settings }) => ({
    rule,
    severity,
    place,
    message: `${clusterRules[rule].title}: ${evidence}`,
    cures: shown === 'all' ? settingLines(settings) : [settings[shown]],
  }))
  const columns = columnsOf(stream)
  const unseen = report.notSeen.flatMap(({ what, needs }) => {
    const line = clean(`${what}: needs ${needs}`)
    return columns === Number.POSITIVE_INFINITY
      ? [`not seen  ${line}`]
      : ['not seen', ...indented(line, columns)]
  })
  return [...findingBlocks(blocks, stream), ...unseen]
}
