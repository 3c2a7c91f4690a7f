const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** `0 B`, `812 B`, `1.2 kB`, `104 MB`: powers of 1000, three digits at most. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits)} ${units[unit]}`
}
