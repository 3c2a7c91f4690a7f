import { GuardError } from '../domain/errors.ts'

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const wholeMs = Number.MAX_SAFE_INTEGER

/**
 * Reads a duration of the command line: `90s`, `30m`, `1h30m`, `2d`; `ms` as well, unlike in a policy file.
 * @returns milliseconds, more than 0. @throws GuardError `usage`
 */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+)(ms|[smhd])/gy)]
  const totalMs = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * unitMs[unit as keyof typeof unitMs],
    0,
  )
  const readAll = parts.reduce((length, [part]) => length + part.length, 0) === text.length
  if (readAll && totalMs > 0 && totalMs <= wholeMs) return totalMs
  throw new GuardError('usage', `'${text}' is not a duration`, { cure: 'write it as 90s, 30m, 1h30m or 2d' })
}

/** @returns the two largest units that are not zero, rounded down: `4m12s`, `3h41m`, `5m`, `0s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const counts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = counts.findIndex(([count]) => count > 0)
  if (first === -1) return '0s'
  return counts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join('')
}

/** Local time of day, with the date where it is not today: `18:30`, `Tue 25 Nov 09:10`. */
export function formatMoment(wallMs: number, nowMs: number = Date.now()): string {
  const moment = new Date(wallMs)
  const two = (part: number): string => String(part).padStart(2, '0')
  const time = `${two(moment.getHours())}:${two(moment.getMinutes())}`
  if (moment.toDateString() === new Date(nowMs).toDateString()) return time
  const [day, month, date] = moment.toDateString().split(' ')
  return `${day} ${Number(date)} ${month} ${time}`
}

/** Local date and time to the second, sortable: `2026-11-24 18:30:05`. */
export function formatTimestamp(wallMs: number): string {
  const moment = new Date(wallMs - new Date(wallMs).getTimezoneOffset() * 60_000)
  return moment.toISOString().slice(0, 19).replace('T', ' ')
}
