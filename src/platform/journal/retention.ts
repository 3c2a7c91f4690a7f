import type { Store } from './store.ts'

/** How much of the journal is kept. The oldest entries go first. */
export interface Retention {
  readonly mostBytes: number
  readonly longestMs: number
  /** So many stay whatever their age: a clock set far ahead must not empty the journal. */
  readonly leastEntries: number
}

export const usualRetention: Retention = {
  mostBytes: 8 * 1024 * 1024,
  longestMs: 400 * 24 * 3_600_000,
  leastEntries: 1_000,
}

/** Part of the entries that goes when the journal is too large, so that it is not due again at once. */
const sharePerRound = 0.2

/** Removes what is too old, and the oldest part while the journal is too large. @throws SqliteError */
export function applyRetention(store: Store, limits: Retention, wallMs: number): void {
  const spared = store.ends().headSeq - limits.leastEntries + 1
  const old = store.lastOlderThan(wallMs - limits.longestMs, spared)
  if (old !== undefined) store.removeUpTo(old)
  if (store.usedBytes() <= limits.mostBytes) return
  const { firstSeq, headSeq } = store.ends()
  const last = Math.min(firstSeq + Math.ceil((headSeq - firstSeq + 1) * sharePerRound), headSeq) - 1
  if (last >= firstSeq) store.removeUpTo(last)
}
