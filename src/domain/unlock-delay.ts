const freeTries = 3
const longestDelayMs = 5 * 60_000

/** How long the next unlock must wait after so many failures in a row, in ms: 0, 0, 0, 2 s, 4 s, … 5 min. */
export function unlockDelayMs(failures: number): number {
  if (failures < freeTries) return 0
  return Math.min(longestDelayMs, 1000 * 2 ** Math.min(failures - freeTries + 1, 20))
}
