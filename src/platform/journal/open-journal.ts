import type { ChainReport, JournalEntry } from '../../protocol/reports.ts'
import { noFailures } from '../../usecases/ports.ts'
import type { FailedUnlocks, Journal } from '../../usecases/ports.ts'
import { walkChain, walkPart } from './chain.ts'
import type { ChainPlace, StoredEntry } from './chain.ts'
import { isDamage, reasonOf } from './damage.ts'
import { cleanDetails, cleanName } from './details.ts'
import { onePage } from './page.ts'
import { applyRetention, usualRetention } from './retention.ts'
import type { Retention } from './retention.ts'
import { setAside } from './set-aside.ts'
import { openStore } from './store.ts'
import type { Store } from './store.ts'

/** Entries of `record` wait at most so long in memory. */
const batchMs = 1_000

/** While the disk is full so many entries wait in memory; the oldest go first, and the gap is recorded. */
const mostWaiting = 5_000

/** Retention is looked at after so many entries. */
const retentionEvery = 256

/** Most entries of one page of `read`. */
const pageEntries = 1_000

type Input = Parameters<Journal['record']>[0]
type Waiting = Omit<StoredEntry, 'seq'>

export interface JournalOptions {
  readonly path: string
  /** Wall-clock ms. */
  readonly now: () => number
  readonly limits?: Partial<Retention>
}

/** The journal, and what is wrong with it, for `status` and `doctor`. */
export type ReportingJournal = Journal & { problems(): string[] }

/**
 * Opens the journal, or starts one. It never throws, now or later: a database that is damaged is set aside
 * and a new one started, with that fact as its first entry; one that can't be written (full disk) is tried
 * again with each entry.
 */
export function openJournal(options: JournalOptions): ReportingJournal {
  const journal = new SqliteJournal(options)
  journal.open()
  return journal
}

class SqliteJournal implements ReportingJournal {
  readonly #path: string
  readonly #now: () => number
  readonly #retention: Retention
  #store: Store | undefined
  #waiting: Waiting[] = []
  #lost = 0
  #sinceRetention = retentionEvery
  #timer: NodeJS.Timeout | undefined
  #failing: string | undefined
  readonly #replaced: string[] = []
  readonly #failures = new Map<string, FailedUnlocks>()
  #closed = false

  constructor({ path, now, limits }: JournalOptions) {
    this.#path = path
    this.#now = now
    this.#retention = { ...usualRetention, ...limits }
  }

  open(): void {
    this.#attempt(() => undefined)
  }

  record(entry: Input): boolean {
    if (this.#closed) return false
    this.#waiting.push(this.#entry(entry))
    if (this.#waiting.length >= mostWaiting) this.#makeRoom()
    this.#timer ??= setTimeout(() => this.#flush(), batchMs).unref()
    return this.#failing === undefined
  }

  /** False: the entries are not kept at all, so that what is refused for it is not recorded as done. */
  recordDurably(...entries: Input[]): boolean {
    return this.#write(
      entries.map((entry) => this.#entry(entry)),
      true,
    )
  }

  read(query: Parameters<Journal['read']>[0]): JournalEntry[] {
    this.#flush()
    const { after = 0, sinceMs, event, policy } = query
    const limit = Math.min(query.limit, pageEntries)
    return this.#attempt((store) => onePage(store.select({ after, sinceMs, event, policy, limit }))) ?? []
  }

  verify(): ChainReport {
    this.#flush()
    const report = this.#attempt((store) => {
      const ends = store.ends()
      const { entries, broken } = walkChain(ends, store.select({ after: -1, limit: Number.MAX_SAFE_INTEGER }))
      const head = Buffer.from(ends.head).toString('hex')
      const known = { entries, firstSeq: ends.firstSeq, head }
      return broken === undefined
        ? { intact: true, ...known }
        : { intact: false, ...known, brokenAt: broken.at, problem: broken.problem }
    })
    return report ?? { intact: false, entries: 0, problem: this.#failing ?? 'the journal is closed' }
  }

  /** Every page in a turn of its own: a long journal must not hold up who asks the gate. */
  async check(): Promise<ChainReport> {
    this.#flush()
    const from = this.#attempt((store) => store.ends())
    if (from === undefined) return this.verify()
    let place = { seq: from.firstSeq, previous: from.before }
    for (;;) {
      const page = this.#attempt((store) => [...store.select({ after: place.seq - 1, limit: pageEntries })])
      const walked = page === undefined ? undefined : walkPart(place, page)
      // Old entries may have been removed meanwhile, which is no break: the whole is looked at at once.
      if (walked === undefined || 'problem' in walked) return this.verify()
      if (walked.seq === place.seq) return this.#ending(from.firstSeq, walked) ?? this.verify()
      place = walked
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Undefined where the chain's recorded end is another than what was walked. */
  #ending(firstSeq: number, walked: ChainPlace): ChainReport | undefined {
    const ends = this.#attempt((store) => store.ends())
    if (ends === undefined || ends.headSeq !== walked.seq - 1) return undefined
    if (Buffer.compare(ends.head, walked.previous) !== 0) return undefined
    return {
      intact: true,
      entries: walked.seq - firstSeq,
      firstSeq,
      head: Buffer.from(ends.head).toString('hex'),
    }
  }

  head(): string | undefined {
    this.#flush()
    return this.#attempt((store) => Buffer.from(store.ends().head).toString('hex'))
  }

  failures(policy: string): FailedUnlocks {
    // Asked for at every try: whoever guesses without a pause must not make this slow for others.
    const known = this.#failures.get(policy) ?? this.#attempt((store) => store.failures(policy))
    if (known !== undefined) this.#failures.set(policy, known)
    return known ?? noFailures
  }

  /** Kept in memory too, so that a full disk does not shorten the delay after wrong passphrases. */
  setFailures(policy: string, failures: FailedUnlocks): boolean {
    this.#failures.set(policy, failures)
    return this.#attempt((store) => (store.setFailures(policy, failures), true)) ?? false
  }

  problems(): string[] {
    return this.#failing === undefined ? [...this.#replaced] : [...this.#replaced, this.#failing]
  }

  close(): void {
    this.#flush()
    this.#closed = true
    this.#attemptClose()
  }

  #entry({ event, policy, details }: Input): Waiting {
    return {
      wallMs: Math.max(0, Math.floor(this.#now())),
      event,
      policy: policy === undefined ? null : cleanName(policy),
      details: JSON.stringify(cleanDetails(details ?? {})),
    }
  }

  /** A tenth at a time goes, so that a burst on a full disk costs little for each entry. */
  #makeRoom(): void {
    if (this.#failing === undefined) this.#flush()
    const surplus = this.#waiting.length - mostWaiting * 0.9
    if (surplus <= 0) return
    this.#waiting.splice(0, surplus)
    this.#lost += surplus
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.length > 0) this.#write([], false)
  }

  /** What waits is written first: the chain's order is the order of events. */
  #write(entries: Waiting[], durable: boolean): boolean {
    const gap: Waiting[] =
      this.#lost > 0 ? [this.#entry({ event: 'journal-gap', details: { lost: this.#lost } })] : []
    const batch = [...gap, ...this.#waiting, ...entries]
    const written = this.#attempt((store) => (store.append(batch, durable), true)) ?? false
    if (!written) return false
    this.#failing = undefined
    this.#waiting = []
    this.#lost = 0
    this.#sinceRetention += batch.length
    if (this.#sinceRetention >= retentionEvery) this.#retain()
    return true
  }

  #retain(): void {
    this.#sinceRetention = 0
    this.#attempt((store) => applyRetention(store, this.#retention, this.#now()))
  }

  /** Runs a step on the store, opened anew where need be, and once more after a damaged one was replaced. */
  #attempt<Result>(step: (store: Store) => Result): Result | undefined {
    if (this.#closed) return undefined
    try {
      try {
        return step(this.#opened())
      } catch (error) {
        if (!isDamage(error)) throw error
        this.#replace(error)
        return step(this.#opened())
      }
    } catch (error) {
      this.#failing = `the journal can’t be written: ${reasonOf(error)}`
      return undefined
    }
  }

  #opened(): Store {
    this.#store ??= openStore(this.#path)
    return this.#store
  }

  #replace(damage: unknown): void {
    this.#attemptClose()
    const keptAs = setAside(this.#path, this.#now())
    const because = reasonOf(damage)
    this.#replaced.splice(
      0,
      this.#replaced.length,
      `the journal was replaced: ${because}; the old one is ${keptAs}`,
    )
    this.#opened().append([this.#entry({ event: 'journal-replaced', details: { because, keptAs } })], true)
    for (const [policy, failures] of this.#failures) this.#opened().setFailures(policy, failures)
  }

  #attemptClose(): void {
    try {
      this.#store?.close()
    } catch {
      // Its file is as it is; the next open says what is wrong with it.
    }
    this.#store = undefined
  }
}
