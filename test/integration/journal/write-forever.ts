import { writeSync } from 'node:fs'
import { openJournal } from '../../../src/platform/journal/open-journal.ts'

/** Writes to the journal named by argv until it is killed; says each durable entry's number once it is kept. */
const journal = openJournal({ path: process.argv[2] ?? '', now: Date.now })
for (let number = 1; ; number += 1) {
  for (let index = 0; index < 5; index += 1)
    journal.record({ event: 'credential-issued', details: { number, index } })
  if (journal.recordDurably({ event: 'unlocked', details: { number } })) writeSync(1, `${number}\n`)
}
