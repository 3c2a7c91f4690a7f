import { closeSync, constants, fchmodSync, fstatSync, openSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import type { Database, Statement } from 'better-sqlite3'
import { chainHash } from './chain.ts'
import type { FailedUnlocks } from '../../usecases/ports.ts'
import type { ChainedEntry, ChainEnds, StoredEntry } from './chain.ts'
import { MissingRowError } from './damage.ts'
import { migrate } from './migrations.ts'
import { noFailures } from '../../usecases/ports.ts'

/** The journal's tables. Every method may throw a SqliteError; `open-journal.ts` catches them all. */
export interface Store {
  /** Chains and writes the entries, all or none. `durable`: on the disk when it returns. */
  append(entries: readonly Omit<StoredEntry, 'seq'>[], durable: boolean): void
  select(query: Selection): Iterable<ChainedEntry>
  ends(): ChainEnds
  failures(policy: string): FailedUnlocks
  setFailures(policy: string, failures: FailedUnlocks): void
  /** Bytes in use: pages that hold something. */
  usedBytes(): number
  /** The last entry before the given one that is older than `wallMs`, counting from the start. */
  lastOlderThan(wallMs: number, beforeSeq: number): number | undefined
  /** Removes the entries up to `seq`; the chain then begins after it. */
  removeUpTo(seq: number): void
  close(): void
}

export interface Selection {
  readonly after: number
  readonly sinceMs?: number | undefined
  readonly event?: string | undefined
  readonly policy?: string | undefined
  readonly limit: number
}

/** Nobody else writes; a reader with a lock must not hold up the daemon for longer. */
const busyMs = 100

/** Of the write-ahead log after a checkpoint; one burst must not leave a large file behind. */
const walBytes = 1024 * 1024

/** @throws SqliteError, NewerSchemaError, or a system error where the file can't be opened. */
export function openStore(path: string): Store {
  closeToOthers(path)
  const database = new Sqlite(path, { timeout: busyMs })
  try {
    database.pragma('journal_mode = wal')
    database.pragma('synchronous = full')
    database.pragma(`journal_size_limit = ${walBytes}`)
    // What is removed is not to be read from the file's free pages.
    database.pragma('secure_delete = fast')
    database.pragma('trusted_schema = off')
    migrate(database)
    return storeOn(database)
  } catch (error) {
    database.close()
    throw error
  }
}

/** SQLite gives its log the mode of the database (sqlite.org/wal.html). */
function closeToOthers(path: string): void {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  try {
    if ((fstatSync(fd).mode & 0o077) !== 0) fchmodSync(fd, 0o600)
  } finally {
    closeSync(fd)
  }
}

const columns = 'seq, wall_ms as wallMs, event, policy, details, hash'

const statements = {
  ends: 'select first_seq as firstSeq, before_hash as before, head_seq as headSeq, head_hash as head from chain',
  insert: 'insert into entries values (@seq, @wallMs, @event, @policy, @details, @hash)',
  setHead: 'update chain set head_seq = ?, head_hash = ?',
  setFirst: 'update chain set first_seq = ?, before_hash = ?',
  hashOf: 'select hash from entries where seq = ?',
  removeUpTo: 'delete from entries where seq <= ?',
  firstNotOlder: 'select seq from entries where wall_ms >= ? order by seq limit 1',
  failures:
    'select count, last_wall_ms as lastWallMs, since_wall_ms as sinceWallMs, last_on as lastOn, wait_ms as waitMs from failures where policy = ?',
  setFailures: `insert into failures values (@policy, @count, @lastWallMs, @sinceWallMs, @lastOn, @waitMs) on conflict do update set
     count = excluded.count, last_wall_ms = excluded.last_wall_ms, since_wall_ms = excluded.since_wall_ms,
     last_on = excluded.last_on, wait_ms = excluded.wait_ms`,
  select: `select ${columns} from entries where seq > @after and wall_ms >= @sinceMs
     and (@event is null or event = @event) and (@policy is null or policy = @policy) order by seq limit @limit`,
} as const

type Statements = Record<keyof typeof statements, Statement>

function prepare(database: Database): Statements {
  const prepared = Object.entries(statements).map(([name, text]) => [name, database.prepare(text)])
  return Object.fromEntries(prepared) as Statements
}

function storeOn(database: Database): Store {
  const run = prepare(database)
  const ends = (): ChainEnds => mustHave<ChainEnds>(run.ends.get())
  const pragma = (name: string): number => database.pragma(name, { simple: true }) as number
  return {
    append: appender(database, run),
    ends,
    select: ({ after, sinceMs = 0, event = null, policy = null, limit }) =>
      run.select.iterate({ after, sinceMs, event, policy, limit }) as Iterable<ChainedEntry>,
    failures: (policy) => (run.failures.get(policy) as FailedUnlocks | undefined) ?? noFailures,
    setFailures(policy, failures) {
      database.pragma('synchronous = full')
      run.setFailures.run({ policy, ...failures })
    },
    usedBytes: () => (pragma('page_count') - pragma('freelist_count')) * pragma('page_size'),
    lastOlderThan(wallMs, beforeSeq) {
      const { firstSeq } = ends()
      const kept = run.firstNotOlder.get(wallMs) as { seq: number } | undefined
      const last = Math.min(kept?.seq ?? beforeSeq, beforeSeq) - 1
      return last >= firstSeq ? last : undefined
    },
    removeUpTo: database.transaction((seq: number) => {
      const { hash } = mustHave<{ hash: Buffer }>(run.hashOf.get(seq))
      run.removeUpTo.run(seq)
      run.setFirst.run(seq + 1, hash)
    }),
    close: () => void database.close(),
  }
}

function mustHave<Row>(row: unknown): Row {
  if (row === undefined) throw new MissingRowError('a row of the journal is missing')
  return row as Row
}

function appender(database: Database, run: Statements): Store['append'] {
  const insert = database.transaction((entries: readonly Omit<StoredEntry, 'seq'>[]) => {
    const { headSeq, head } = mustHave<ChainEnds>(run.ends.get())
    let seq = headSeq
    let hash = head
    for (const entry of entries) {
      seq += 1
      hash = chainHash(hash, { ...entry, seq })
      run.insert.run({ ...entry, seq, hash })
    }
    run.setHead.run(seq, hash)
  })
  return (entries, durable) => {
    // NORMAL leaves a batch to the next checkpoint or durable write: it survives our own end at any time.
    database.pragma(`synchronous = ${durable ? 'full' : 'normal'}`)
    insert.immediate(entries)
  }
}
