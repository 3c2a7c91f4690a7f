import { createHash } from 'node:crypto'

/** An entry as it is stored: `details` is the JSON text that was hashed. */
export interface StoredEntry {
  readonly seq: number
  readonly wallMs: number
  readonly event: string
  readonly policy: string | null
  readonly details: string
}

export interface ChainedEntry extends StoredEntry {
  readonly hash: Uint8Array
}

/** What the first entry of a new journal follows. */
export const genesis: Uint8Array = new Uint8Array(32)

/** Each entry's hash covers the one before it: SHA-256(previous hash, entry as a JSON array). */
export function chainHash(previous: Uint8Array, entry: StoredEntry): Uint8Array {
  const text = JSON.stringify([entry.seq, entry.wallMs, entry.event, entry.policy, entry.details])
  return createHash('sha256').update(previous).update(text).digest()
}

export interface ChainEnds {
  /** The first entry that is kept, and the hash of the one before it (removed since, or none). */
  readonly firstSeq: number
  readonly before: Uint8Array
  /** The newest entry: `firstSeq - 1` and `before` while there is none. */
  readonly headSeq: number
  readonly head: Uint8Array
}

export interface Break {
  readonly at: number
  readonly problem: string
}

/** Between two entries: the number of the next one, and the hash of the one before. */
export interface ChainPlace {
  readonly seq: number
  readonly previous: Uint8Array
}

/** Walks entries that follow a place. @returns the place after them, or where the chain does not hold. */
export function walkPart(
  from: ChainPlace,
  entries: Iterable<ChainedEntry>,
): ChainPlace | (Break & { readonly entries: number }) {
  let { seq, previous } = from
  for (const entry of entries) {
    const count = seq - from.seq
    if (entry.seq < seq) return { ...broken(entry.seq, 'an entry stands before the first'), entries: count }
    if (entry.seq > seq) return { ...broken(seq, 'an entry is missing'), entries: count }
    const hash = chainHash(previous, entry)
    if (!same(hash, entry.hash)) return { ...broken(seq, 'an entry was changed'), entries: count }
    previous = hash
    seq += 1
  }
  return { seq, previous }
}

/** Walks the whole chain. @returns the first place where it does not hold, or the number of entries. */
export function walkChain(
  ends: ChainEnds,
  entries: Iterable<ChainedEntry>,
): { entries: number; broken?: Break } {
  const walked = walkPart({ seq: ends.firstSeq, previous: ends.before }, entries)
  if ('problem' in walked) return { entries: walked.entries, broken: broken(walked.at, walked.problem) }
  const { seq, previous } = walked
  const count = seq - ends.firstSeq
  if (seq - 1 < ends.headSeq) return { entries: count, broken: broken(seq, 'the newest entries are missing') }
  if (seq - 1 > ends.headSeq || !same(previous, ends.head)) {
    return { entries: count, broken: broken(seq - 1, 'the recorded head is another') }
  }
  return { entries: count }
}

const broken = (at: number, problem: string): Break => ({ at, problem })

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
