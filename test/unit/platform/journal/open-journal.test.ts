import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { openJournal } from '../../../../src/platform/journal/open-journal.ts'
import type { ReportingJournal } from '../../../../src/platform/journal/open-journal.ts'
import type { Retention } from '../../../../src/platform/journal/retention.ts'
import { noFailures } from '../../../../src/usecases/ports.ts'
import type { FailedUnlocks } from '../../../../src/usecases/ports.ts'
import { scratch } from '../scratch.ts'

let wallMs = 1_700_000_000_000

function open(path: string, limits: Partial<Retention> = {}): ReportingJournal {
  const journal = openJournal({ path, now: () => wallMs, limits })
  onTestFinished(() => journal.close())
  return journal
}

function edit(path: string, ...statements: string[]): void {
  const database = new Sqlite(path)
  for (const statement of statements) database.exec(statement)
  database.close()
}

const failed = (count: number): FailedUnlocks => ({
  count,
  lastWallMs: 7,
  sinceWallMs: 5,
  lastOn: 'pts/3',
  waitMs: 9,
})
const newPath = (): string => join(scratch(), 'journal.db')
const eventsOf = (journal: ReportingJournal): string[] =>
  journal.read({ limit: 1_000 }).map(({ event }) => event)

afterEach(() => void vi.useRealTimers())

test('entries come back in order, with time, policy and facts, also from a journal opened again', () => {
  const path = newPath()
  const journal = open(path)
  journal.record({ event: 'refused', policy: 'prod', details: { program: 'helm' } })
  wallMs += 5
  expect(journal.recordDurably({ event: 'unlocked' })).toBe(true)
  journal.close()
  const again = open(path)
  expect(again.read({ limit: 9 })).toEqual([
    { seq: 1, wallMs: wallMs - 5, event: 'refused', policy: 'prod', details: { program: 'helm' } },
    { seq: 2, wallMs, event: 'unlocked', details: {} },
  ])
  expect(again.verify()).toMatchObject({ intact: true, entries: 2, firstSeq: 1 })
  expect(again.problems()).toEqual([])
})

test('many entries are kept at once, in order, or none of them', () => {
  const path = newPath()
  const journal = open(path)
  expect(journal.recordDurably({ event: 'adopted', policy: 'a' }, { event: 'adopted', policy: 'b' })).toBe(
    true,
  )
  expect(journal.read({ limit: 9 }).map(({ policy }) => policy)).toEqual(['a', 'b'])
  expect(journal.verify()).toMatchObject({ intact: true, entries: 2 })
  journal.close()
  expect(journal.recordDurably({ event: 'adopted' }, { event: 'adopted' })).toBe(false)
  expect(open(path).verify()).toMatchObject({ intact: true, entries: 2 })
})

test('nobody else may read it', () => {
  const path = newPath()
  writeFileSync(path, '', { mode: 0o644 })
  open(path).recordDurably({ event: 'unlocked' })
  for (const suffix of ['', '-wal', '-shm']) expect(statSync(path + suffix).mode & 0o077).toBe(0)
})

test('queries choose by number, time, event and policy, a page at a time', () => {
  const journal = open(newPath())
  const start = wallMs
  for (let index = 0; index < 6; index += 1) {
    wallMs = start + index * 10
    journal.record({ event: index % 2 ? 'refused' : 'locked', policy: index < 3 ? 'a' : 'b' })
  }
  const numbers = (query: Parameters<typeof journal.read>[0]) => journal.read(query).map(({ seq }) => seq)
  expect(numbers({ limit: 2 })).toEqual([1, 2])
  expect(numbers({ after: 2, limit: 2 })).toEqual([3, 4])
  expect(numbers({ sinceMs: start + 40, limit: 9 })).toEqual([5, 6])
  expect(numbers({ event: 'refused', limit: 9 })).toEqual([2, 4, 6])
  expect(numbers({ event: 'refused', policy: 'b', limit: 9 })).toEqual([4, 6])
})

test('a page fits a frame', () => {
  const journal = open(newPath())
  const details = Object.fromEntries(
    Array.from({ length: 24 }, (_, index) => [`f${index}`, '\\'.repeat(256)]),
  )
  for (let index = 0; index < 200; index += 1) journal.record({ event: 'refused', details })
  const page = journal.read({ limit: 1_000 })
  expect(JSON.stringify(page).length).toBeLessThan(1024 * 1024)
  expect(page.length).toBeGreaterThan(10)
  expect(journal.read({ after: page.at(-1)?.seq ?? 0, limit: 1 })).toHaveLength(1)
})

test('entries that may wait are written together within a second; nothing is armed afterwards', () => {
  vi.useFakeTimers()
  const path = newPath()
  const journal = open(path)
  expect(vi.getTimerCount()).toBe(0)
  for (let index = 0; index < 50; index += 1) journal.record({ event: 'credential-issued' })
  expect(vi.getTimerCount()).toBe(1)
  const other = new Sqlite(path)
  const count = () => other.prepare('select count(*) from entries').pluck().get()
  expect(count()).toBe(0)
  vi.advanceTimersByTime(1_000)
  expect(count()).toBe(50)
  expect(vi.getTimerCount()).toBe(0)
  other.close()
})

test('a durable entry takes those that wait along, before it', () => {
  const journal = open(newPath())
  journal.record({ event: 'refused' })
  journal.recordDurably({ event: 'unlocked' })
  expect(eventsOf(journal)).toEqual(['refused', 'unlocked'])
})

test('a secret never reaches the file', () => {
  const path = newPath()
  const journal = open(path)
  const details = { token: 'hunter2-hunter2', said: 'Bearer hunter2hunter2hunter2' }
  journal.recordDurably({ event: 'refused', details })
  journal.close()
  expect(readFileSync(path).includes('hunter2')).toBe(false)
})

test('failures are counted over restarts', () => {
  const path = newPath()
  const journal = open(path)
  expect(journal.failures('prod')).toEqual(noFailures)
  expect(journal.setFailures('prod', failed(3))).toBe(true)
  journal.close()
  expect(open(path).failures('prod')).toEqual(failed(3))
})

test.each([
  ["update entries set details = '{}' where seq = 2", 2, 'an entry was changed'],
  ['update entries set wall_ms = 0 where seq = 3', 3, 'an entry was changed'],
  ['delete from entries where seq = 2', 2, 'an entry is missing'],
  ['delete from entries where seq = 1', 1, 'an entry is missing'],
  ['delete from entries where seq > 1', 2, 'the newest entries are missing'],
  ['delete from entries', 1, 'the newest entries are missing'],
  ['update chain set head_seq = 2', 3, 'the recorded head is another'],
])('verify finds: %s', async (statement, brokenAt, problem) => {
  const path = newPath()
  const journal = open(path)
  for (let index = 0; index < 3; index += 1) journal.record({ event: 'refused', details: { index } })
  journal.close()
  edit(path, statement)
  const again = open(path)
  expect(again.verify()).toMatchObject({ intact: false, brokenAt, problem })
  await expect(again.check()).resolves.toEqual(again.verify())
})

test('a check a part at a time finds what the whole one finds, while entries come and go', async () => {
  const journal = open(newPath(), { mostBytes: 128 * 1024, leastEntries: 10 })
  const record = (count: number): void => {
    for (let index = 0; index < count; index += 1)
      journal.record({ event: 'refused', details: { index, text: 'x'.repeat(100) } })
  }
  record(2_500)
  const checking = journal.check()
  record(1_500)
  journal.read({ limit: 1 })
  await expect(checking).resolves.toMatchObject({ intact: true })
  await expect(journal.check()).resolves.toEqual(journal.verify())
  expect(journal.head()).toBe(journal.verify().head)
})

test('a journal of the first version is brought up to date, with what was counted', () => {
  const path = newPath()
  open(path).close()
  edit(
    path,
    'drop table failures',
    'create table failures (policy text primary key, count integer not null, last_wall_ms integer not null) strict',
    "insert into failures values ('*', 6, 9)",
    'pragma user_version = 1',
  )
  expect(open(path).failures('*')).toEqual({ count: 6, lastWallMs: 9, sinceWallMs: 0, lastOn: '', waitMs: 0 })
})

test('the oldest go when it is too large; the chain holds from the first that is kept', () => {
  const path = newPath()
  const journal = open(path, { mostBytes: 128 * 1024, leastEntries: 10 })
  for (let index = 0; index < 3_000; index += 1) {
    journal.record({ event: 'refused', details: { index, text: 'x'.repeat(100) } })
    if (index % 300 === 0) journal.read({ limit: 1 })
  }
  const report = journal.verify()
  expect(report.intact).toBe(true)
  expect(report.firstSeq).toBeGreaterThan(1_000)
  expect(journal.read({ limit: 1 })[0]?.seq).toBe(report.firstSeq)
  journal.close()
  expect(statSync(path).size).toBeLessThan(512 * 1024)
})

test('the oldest go when they are too old, but a clock set far ahead does not empty it', () => {
  const path = newPath()
  const start = wallMs
  const journal = open(path, { longestMs: 1_000, leastEntries: 20 })
  for (let index = 0; index < 100; index += 1) {
    wallMs = start + index * 100
    journal.record({ event: 'refused' })
  }
  journal.close()
  wallMs = start + 100 * 100
  const later = open(path, { longestMs: 1_000, leastEntries: 5 })
  later.recordDurably({ event: 'locked' })
  expect(later.verify()).toMatchObject({ intact: true, firstSeq: 91 })
  later.close()
  wallMs += 10 * 365 * 24 * 3_600_000
  const muchLater = open(path, { longestMs: 1_000, leastEntries: 5 })
  muchLater.recordDurably({ event: 'locked' })
  expect(muchLater.verify()).toMatchObject({ intact: true, entries: 5 })
  wallMs = start
})

const damages: [string, (path: string) => void][] = [
  ['no database at all', (path) => writeFileSync(path, 'hello '.repeat(500))],
  ['a half file', (path) => writeFileSync(path, readFileSync(path).subarray(0, 6_000))],
  ['a missing table', (path) => edit(path, 'drop table entries')],
  ['a chain without ends', (path) => edit(path, 'delete from chain')],
  ['a head that was set back', (path) => edit(path, 'update chain set head_seq = 0')],
  ['a newer schema', (path) => edit(path, 'pragma user_version = 99')],
]

test.each(damages)('%s: it is set aside, a new one begins with that fact', (_, damage) => {
  const path = newPath()
  const journal = open(path)
  for (let index = 0; index < 200; index += 1)
    journal.record({ event: 'refused', details: { text: 'x'.repeat(99) } })
  journal.close()
  damage(path)
  const next = open(path)
  expect(next.recordDurably({ event: 'unlocked' })).toBe(true)
  expect(eventsOf(next)).toEqual(['journal-replaced', 'unlocked'])
  expect(next.verify().intact).toBe(true)
  const keptAs = next.read({ limit: 1 })[0]?.details['keptAs']
  expect(keptAs).toMatch(/^journal\.db\.damaged-/)
  expect(existsSync(join(path, '..', String(keptAs)))).toBe(true)
  expect(next.problems()).toEqual([expect.stringContaining('the journal was replaced: ')])
})

test('damage while it runs: failures that were counted are carried over', () => {
  const path = newPath()
  const journal = open(path)
  journal.setFailures('prod', failed(4))
  edit(path, 'drop table entries')
  expect(journal.recordDurably({ event: 'locked' })).toBe(true)
  expect(eventsOf(journal)).toEqual(['journal-replaced', 'locked'])
  journal.close()
  expect(open(path).failures('prod').count).toBe(4)
})

test('only a few damaged ones are kept', () => {
  const path = newPath()
  for (let index = 0; index < 9; index += 1) {
    writeFileSync(path, 'damage')
    wallMs += 1_000
    const journal = open(path)
    journal.recordDurably({ event: 'locked' })
    journal.close()
  }
  expect(readdirSync(join(path, '..')).filter((name) => name.includes('damaged'))).toHaveLength(5)
})

test('where it can’t be written: said, never thrown, and it goes on when it can', () => {
  const path = join(scratch(), 'missing', 'journal.db')
  const journal = open(path)
  expect(journal.problems()).toEqual([expect.stringContaining('the journal can’t be written')])
  expect(journal.recordDurably({ event: 'unlocked' })).toBe(false)
  expect(journal.record({ event: 'refused' })).toBe(false)
  expect(journal.read({ limit: 1 })).toEqual([])
  expect(journal.verify().intact).toBe(false)
  expect(journal.setFailures('prod', failed(2))).toBe(false)
  expect(journal.failures('prod')).toEqual(failed(2))
})

test('what waits on a full disk is bounded, and the gap is recorded', () => {
  const folder = scratch()
  const path = join(folder, 'journal.db')
  const journal = open(path)
  journal.recordDurably({ event: 'daemon-started' })
  const blocker = new Sqlite(path)
  blocker.exec('begin immediate')
  expect(journal.recordDurably({ event: 'unlocked' })).toBe(false)
  expect(journal.problems()).toEqual([expect.stringContaining('SQLITE_BUSY')])
  for (let index = 0; index < 6_000; index += 1) journal.record({ event: 'refused', details: { index } })
  blocker.exec('rollback')
  blocker.close()
  expect(journal.recordDurably({ event: 'locked' })).toBe(true)
  expect(journal.problems()).toEqual([])
  const [, gap, first] = journal.read({ limit: 3 })
  expect(gap?.event).toBe('journal-gap')
  expect(first?.details['index']).toBe(gap?.details['lost'])
  expect(journal.verify().intact).toBe(true)
})

test('once closed it takes nothing', () => {
  const journal = open(newPath())
  journal.close()
  expect(journal.record({ event: 'refused' })).toBe(false)
  expect(journal.recordDurably({ event: 'unlocked' })).toBe(false)
})
