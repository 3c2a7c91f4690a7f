import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { repository } from '../../fixtures/terminal.ts'
import type { Contest } from './contest.ts'
import { plot, shown } from './plot.ts'

const page = join(repository, 'docs', 'performance.md')
const picture = join(repository, 'docs', 'performance.svg')
const [begin, end] = ['<!-- peers -->', '<!-- /peers -->'] as const

/** What a figure is of: another machine has others. */
function machine(slowness: number): string {
  const [first] = cpus()
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'
  const memory = Math.round(totalmem() / 1024 ** 3)
  const pace = `\`node -e 0\` takes ${slowness.toFixed(1)} times what it took on the machine for which the README’s milliseconds were set`
  // Of the last quarter of an hour, most of which was before the run.
  const load = `load average ${loadavg()[2]?.toFixed(1)}`
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown processor'}, ${memory} GB, ${system}, Linux ${release()}, ${load}; ${pace}.`
}

export function contestTable({ title, unit, about, peers }: Contest): string {
  const rows = peers.map(({ name, isOurs, spread }) => {
    const cells = [spread.median, spread.low, spread.high].map((value) => `${shown(value)} ${unit}`)
    return `| ${[isOurs ? `**${name}**` : name, ...cells, spread.rounds].join(' | ')} |`
  })
  const head = [
    `| ${title} | median | a tenth is below | a tenth is above | rounds |`,
    '|---|---|---|---|---|',
  ]
  return [...head, ...rows, '', about].join('\n')
}

/** Replaces what stands between the marks of docs/performance.md, and its picture, by those of this run. */
export function writePage(contests: readonly Contest[], slowness: number): void {
  const text = readFileSync(page, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${page} has lost its marks, ${begin} and ${end}`)
  const date = new Date().toISOString().slice(0, 10)
  const parts = [
    `\`npm run bench -- --peers\`, ${date}, one run on ${machine(slowness)}`,
    '![the medians as bars, the spread as lines](performance.svg)',
    ...contests.map(contestTable),
  ]
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n${parts.join('\n\n')}\n${text.slice(to)}`)
  writeFileSync(picture, plot(contests))
}
