/** When nothing is asked any more, and for how long. */
export interface LockOut {
  /** Wrong passphrases in a row. */
  readonly after: number
  readonly forMs: number
}

/** What a policy may say. It always ends: whoever owns the account is never kept out for good. */
export const lockOutRange = { least: 3, most: 100, shortestMs: 1_000, longestMs: 24 * 3_600_000 } as const

/** From so many in a row on the next try waits, and it is a sign of misuse: one command on a terminal asks three times. */
export const freeTries = 3
const longestDelayMs = 5 * 60_000

/**
 * How long the next unlock must wait after so many failures in a row, in ms: 0, 0, 0, 2 s, 4 s, … 5 min; and from
 * `after` on the lock-out, anew for each that follows it.
 */
export function unlockDelayMs(failures: number, lockOut?: LockOut): number {
  const growing =
    failures < freeTries ? 0 : Math.min(longestDelayMs, 1000 * 2 ** Math.min(failures - freeTries + 1, 20))
  return isLockedOut(failures, lockOut) ? Math.max(growing, lockOut.forMs) : growing
}

export function isLockedOut(failures: number, lockOut: LockOut | undefined): lockOut is LockOut {
  return lockOut !== undefined && failures >= lockOut.after
}

/**
 * One passphrase opens all vaults, so wrong ones are counted for the account, and the strictest of all policies counts:
 * else the loosest would be the one to guess at.
 */
export function strictestLockOut(
  policies: readonly { readonly lockOutAfter: number; readonly lockOutForMs: number }[],
): LockOut {
  return {
    after: Math.min(...policies.map(({ lockOutAfter }) => lockOutAfter), lockOutRange.most),
    forMs: Math.max(...policies.map(({ lockOutForMs }) => lockOutForMs), lockOutRange.shortestMs),
  }
}
