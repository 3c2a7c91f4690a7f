import { clusterRules } from './rules.ts'
import type { ClusterRule } from './rules.ts'
import { settingLines } from './settings.ts'

/** The generated part of docs/cluster-check.md: every finding, and what closes it. */
export function findingsSection(): string {
  const rules: [string, ClusterRule][] = Object.entries(clusterRules)
  const rows = rules.map(([id, { severity, title }]) => `| [\`${id}\`](#${id}) | ${severity} | ${title} |`)
  const cures = rules.flatMap(([id, { settings }]) => [
    `### ${id}`,
    '',
    ...settingLines(settings).map((line) => `- ${code(line)}`),
    '',
  ])
  return ['| id | severity | what |', '| --- | --- | --- |', ...rows, '', '## What closes them', '', ...cures]
    .join('\n')
    .trimEnd()
}

/** What Markdown or HTML would take for its own. */
const code = (line: string): string => line.replaceAll(/[<>*_|[\]{}`]/g, String.raw`\$&`)
