import { existsSync } from 'node:fs'
import type { RequestJournal } from '../../usecases/ports.ts'
import { openJournal } from './open-journal.ts'
import type { JournalOptions, ReportingJournal } from './open-journal.ts'

/**
 * The journal of requests through gateways: of its own file and its own size, so that no number of them pushes an unlock or a
 * lock out of the other one. It is there from the first request on: most have no gateway.
 */
export function createRequestJournal(
  options: JournalOptions,
): RequestJournal & Pick<ReportingJournal, 'problems' | 'close'> {
  let opened: ReportingJournal | undefined
  const journal = (): ReportingJournal => (opened ??= openJournal(options))
  return {
    record: (policy, { durationMs, ...facts }) => {
      const known = Object.entries({ ...facts, ms: durationMs }).filter(([, value]) => value !== undefined)
      const details = Object.fromEntries(known) as Record<string, string | number>
      journal().record({ event: 'request', policy, details })
    },
    read: (query) => (opened === undefined && !existsSync(options.path) ? [] : journal().read(query)),
    problems: () => opened?.problems().map((problem) => `requests: ${problem}`) ?? [],
    close: () => opened?.close(),
  }
}
