const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const

/**
 * Reads `30s`, `14m`, `4h`, `7d` and combinations in that order of size, such as `1h30m`.
 * @returns milliseconds; undefined for anything else, a bare number included.
 */
export function parseDuration(text: string): number | undefined {
  const found = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/.exec(text)
  if (found === null || text === '') return undefined
  const [, days, hours, minutes, seconds] = found
  const part = (count: string | undefined, each: number): number => Number(count ?? 0) * each
  return part(days, unitMs.d) + part(hours, unitMs.h) + part(minutes, unitMs.m) + part(seconds, unitMs.s)
}

/** Writes milliseconds as `parseDuration` reads them, rounded down to seconds: `1h30m`, `0s`. */
export function formatDuration(durationMs: number): string {
  let left = Math.max(0, durationMs)
  let text = ''
  for (const [unit, each] of Object.entries(unitMs)) {
    const count = Math.floor(left / each)
    left -= count * each
    if (count > 0) text += `${count}${unit}`
  }
  return text || '0s'
}
