import type { JournalEvent } from '../../domain/event.ts'
import type { JournalEntry } from '../../protocol/reports.ts'
import type { ChainedEntry } from './chain.ts'
import { cleanDetails } from './details.ts'

/** Bytes of text in one page: an answer must fit a frame. */
const pageBytes = 512 * 1024

/** What an entry costs beside its details. */
const entryBytes = 200

/** @returns as many entries as fit a page, at least one where there is one. */
export function onePage(entries: Iterable<ChainedEntry>): JournalEntry[] {
  const page: JournalEntry[] = []
  let bytes = 0
  for (const entry of entries) {
    bytes += Buffer.byteLength(entry.details) + entryBytes
    if (page.length > 0 && bytes > pageBytes) break
    page.push(toJournalEntry(entry))
  }
  return page
}

function toJournalEntry({ seq, wallMs, event, policy, details }: ChainedEntry): JournalEntry {
  const known = { seq, wallMs, event: event as JournalEvent, details: parseDetails(details) }
  return policy === null ? known : { ...known, policy }
}

/** An entry that was edited by hand is shown all the same: `verify` tells. */
function parseDetails(text: string): JournalEntry['details'] {
  try {
    return cleanDetails(JSON.parse(text) as JournalEntry['details'])
  } catch {
    return { unreadable: true }
  }
}
