const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** @returns how long ago a timestamp is, spelled as kubectl's AGE column spells it. */
export function ageOf(timestamp: string | undefined, nowMs = Date.now()): string {
  if (timestamp === undefined) return '<unknown>'
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(timestamp)) / 1000))
  if (seconds < 2 * minute) return `${seconds}s`
  if (seconds < 10 * minute) return two(seconds, minute, 'm', 1, 's')
  if (seconds < 3 * hour) return `${Math.floor(seconds / minute)}m`
  if (seconds < 8 * hour) return two(seconds, hour, 'h', minute, 'm')
  if (seconds < 2 * day) return `${Math.floor(seconds / hour)}h`
  if (seconds < 8 * day) return two(seconds, day, 'd', hour, 'h')
  return `${Math.floor(seconds / day)}d`
}

function two(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small)
  return `${Math.floor(seconds / large)}${largeName}${rest === 0 ? '' : `${rest}${smallName}`}`
}
