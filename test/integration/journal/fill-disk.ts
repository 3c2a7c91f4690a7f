import { rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openJournal } from '../../../src/platform/journal/open-journal.ts'

/** Fills the small disk named by argv around a journal on it, and says how the journal took it. */
const disk = process.argv[2] ?? ''
const filler = join(disk, 'filler')
const journal = openJournal({ path: join(disk, 'journal.db'), now: Date.now })
const beforeFull = journal.recordDurably({ event: 'daemon-started' })

fill()
// What room the journal has left in its own files is used up first.
while (journal.recordDurably({ event: 'adopted', details: { text: 'x'.repeat(250) } })) continue
const whileFull = {
  durable: journal.recordDurably({ event: 'unlocked' }),
  batched: journal.record({ event: 'locked' }),
  failures: journal.setFailures('prod', {
    count: 5,
    lastWallMs: 1,
    sinceWallMs: 1,
    lastOn: 'pts/3',
    waitMs: 0,
  }),
  problems: journal.problems(),
}
const failuresWhileFull = journal.failures('prod').count
const second = openJournal({ path: join(disk, 'second.db'), now: Date.now })
const openedWhileFull = {
  durable: second.recordDurably({ event: 'unlocked' }),
  problems: second.problems().length,
}
second.close()

rmSync(filler)
const afterFull = {
  durable: journal.recordDurably({ event: 'daemon-stopped' }),
  problems: journal.problems(),
}
const kept = (event: string): boolean => journal.read({ event, limit: 1 }).length > 0
const said = {
  beforeFull,
  whileFull,
  failuresWhileFull,
  openedWhileFull,
  afterFull,
  chain: journal.verify().intact,
  unlockKeptFromFullDisk: kept('unlocked'),
  lockKeptFromFullDisk: kept('locked'),
}
journal.close()
writeSync(1, JSON.stringify(said))

function fill(): void {
  for (const bytes of [16_384, 1_024, 1]) {
    try {
      for (;;) writeFileSync(filler, 'x'.repeat(bytes), { flag: 'a', mode: 0o600 })
    } catch {
      // Full, to within so many bytes.
    }
  }
}
