import { setTimeout as sleep } from 'node:timers/promises'
import { GuardError } from '../../domain/errors.ts'
import type { LiveStatus, StatusReport } from '../../protocol/reports.ts'
import { formatBytes } from '../byte-count.ts'
import { clean } from '../clean-text.ts'
import { describeFate } from '../client-fate.ts'
import { command, jsonOption } from '../command.ts'
import { formatDuration } from '../duration.ts'
import { runCommand } from '../failure.ts'
import { coloursFor, print, printJson, say } from '../output.ts'
import { table } from '../table.ts'
import { readStatus } from '../unlock-session.ts'

export function psCommand() {
  return command('ps', 'live processes and holders, and what a lock does with each', 'kubeguard ps')
    .argument('[policy]', 'only this policy')
    .addOption(jsonOption())
    .option('-w, --watch', 'on a terminal: again every two seconds, until Ctrl-C')
    .action((policy, options) =>
      runCommand(() => (options.watch ? watch(policy, options) : ps(policy, options))),
    )
}

/** One client, of one session. */
interface Row extends LiveStatus {
  readonly session: string
  readonly ageMs: number
}

const everyMs = 2_000

/** The cursor goes to the first line, and what is below it away: nothing flickers, and the lines above are kept. */
const clearScreen = '\x1b[H\x1b[J'

/** Shows it again and again. Looking is no sign of a person: it keeps nothing open. @throws GuardError `usage` */
async function watch(policy: string | undefined, options: { json?: true | undefined }): Promise<never> {
  if (!process.stdout.isTTY || options.json === true) {
    const cure = 'without --watch it prints once, as JSON with --json'
    throw new GuardError('usage', '--watch needs a terminal', { cure })
  }
  for (;;) {
    const rows = rowsOf(await readStatus(), policy)
    process.stdout.write(clearScreen)
    show(rows)
    await sleep(everyMs)
  }
}

async function ps(policy: string | undefined, options: { json?: true | undefined }): Promise<void> {
  const rows = rowsOf(await readStatus(), policy)
  if (options.json) return printJson({ schema: 1, clients: rows })
  show(rows)
}

function show(rows: readonly Row[]): void {
  const { dim } = coloursFor(process.stdout)
  const titles = ['id', 'age', 'idle', 'context', 'namespace', 'command', 'bytes', 'session', 'at lock']
  const head = titles.map((title) => dim(title))
  // Where the lines go elsewhere, nothing is cut.
  const mayShrink = ['context', 'namespace', 'command', 'session']
  const fit = process.stdout.isTTY ? { columns: process.stdout.columns, mayShrink } : undefined
  if (rows.length === 0) return say('no live process, and no holder')
  for (const line of table(head, rows.map(cells), fit)) print(line)
}

function rowsOf(report: StatusReport, policy: string | undefined): Row[] {
  const sessions = report.sessions.filter((session) => policy === undefined || session.policy === policy)
  if (policy !== undefined && sessions.length === 0)
    throw new GuardError('policy-unknown', `no policy is named ${policy}`)
  const nowMs = Date.now()
  const rows = sessions.flatMap((session) =>
    session.live.map((live) => ({
      session: session.policy,
      ageMs: Math.max(0, nowMs - live.sinceMs),
      ...live,
    })),
  )
  return rows.toSorted((a, b) => a.sinceMs - b.sinceMs)
}

/** What went through a supervised stream, both ways; the column is left out where there is none. */
const throughOf = ({ keysBytes, outputBytes }: Row): string =>
  keysBytes === undefined || outputBytes === undefined ? '' : formatBytes(keysBytes + outputBytes)

function cells(row: Row): string[] {
  return [
    String(row.pid),
    formatDuration(row.ageMs),
    row.idleMs === undefined ? '-' : formatDuration(row.idleMs),
    clean(row.context),
    clean(row.namespace ?? '-'),
    clean(row.command),
    throughOf(row),
    clean(row.session),
    describeFate(row),
  ]
}
