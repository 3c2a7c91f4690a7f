import { setTimeout as sleep } from 'node:timers/promises'
import { callDaemon } from '../../client/call.ts'
import { GuardError } from '../../domain/errors.ts'
import type { ChainReport, JournalEntry } from '../../protocol/reports.ts'
import { clean } from '../clean-text.ts'
import { command, durationArgument, jsonOption } from '../command.ts'
import { formatTimestamp } from '../duration.ts'
import { runCommand } from '../failure.ts'
import { coloursFor, print, printJson, say } from '../output.ts'
import { requestLine } from '../request-line.ts'

interface LogOptions {
  readonly follow?: true | undefined
  readonly since?: number | undefined
  readonly session?: string | undefined
  readonly event?: string | undefined
  readonly requests?: true | undefined
  readonly json?: true | undefined
}

export function logCommand() {
  const verify = command('verify', 'check the hash chain of the journal', 'kubeguard log verify')
    .addOption(jsonOption())
    .action((_options, self) => runCommand(() => verifyChain(self.optsWithGlobals())))
  return command(
    'log',
    'what was decided: unlocks, locks, refusals, credentials issued',
    'kubeguard log --since 1h',
    'kubeguard log -f --session prod --json',
    'kubeguard log --requests --since 10m',
  )
    .option('-f, --follow', 'go on as entries come')
    .option('--since <duration>', 'only entries of the last 30m, 2h, 7d …', durationArgument)
    .option('--session <policy>', 'only of this policy')
    .option('--event <event>', 'only this event, such as unlock-failed')
    .option('--requests', 'what went through gateways instead: verb, object, program, code, bytes, time')
    .addOption(jsonOption())
    .action((options) => runCommand(() => showLog(options)))
    .addCommand(verify)
}

const followEveryMs = 500

async function showLog(options: LogOptions): Promise<void> {
  const sinceMs = options.since === undefined ? undefined : Date.now() - options.since
  let after: number | undefined
  for (;;) {
    const { entries } = await callDaemon('journal.read', {
      after,
      sinceMs,
      event: options.event,
      session: options.session,
      requests: options.requests === true,
    })
    const page = entries as JournalEntry[]
    for (const entry of page) print(options.json ? JSON.stringify(entry) : lineOf(entry))
    after = page.at(-1)?.seq ?? after
    if (page.length > 0) continue
    if (!options.follow) return
    await sleep(followEveryMs)
  }
}

const lineOf = (entry: JournalEntry): string =>
  entry.event === 'request' ? requestLine(entry, coloursFor(process.stdout)) : entryLine(entry)

function entryLine(entry: JournalEntry): string {
  const { dim, bold } = coloursFor(process.stdout)
  const facts = Object.entries(entry.details).map(([name, value]) => `${name}=${clean(String(value))}`)
  const parts = [dim(formatTimestamp(entry.wallMs)), bold(entry.event), entry.policy ?? '', ...facts]
  return parts.filter((part) => part !== '').join('  ')
}

async function verifyChain(options: { json?: unknown }): Promise<void> {
  const { report } = await callDaemon('journal.verify', {})
  const chain = report as ChainReport
  if (options.json) printJson(chain)
  if (!chain.intact) {
    const where = chain.brokenAt === undefined ? '' : ` at entry ${chain.brokenAt}`
    throw new GuardError(
      'journal-damaged',
      `the journal's chain is broken${where}: ${chain.problem ?? 'unknown'}`,
    )
  }
  if (!options.json)
    say(`the journal's chain is whole: ${chain.entries} entries, head ${chain.head ?? 'none'}`)
}
