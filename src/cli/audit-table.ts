import { homedir } from 'node:os'
import type { AuditFinding } from '../protocol/reports.ts'
import { findingBlocks } from './finding-blocks.ts'

/** What audit found, worst first, as lines for this stream. */
export function findingLines(
  findings: readonly AuditFinding[],
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>,
): string[] {
  const blocks = findings.map((finding) => ({ ...finding, place: placeOf(finding), cures: [finding.cure] }))
  return findingBlocks(blocks, stream)
}

/** `~/.kube/config:12` */
function placeOf({ file, line }: AuditFinding): string {
  const home = homedir()
  const short = file.startsWith(`${home}/`) ? `~${file.slice(home.length)}` : file
  return line === undefined ? short : `${short}:${line}`
}
