import { formatDuration } from '../domain/duration.ts'

const hourMs = 3_600_000
/** Longer than this, and a copy is worth more than a day’s work. */
export const dayMs = 24 * hourMs

/** `365d`, `25h`: whole hours, since what is measured is some seconds short. */
export function aboutHours(durationMs: number): string {
  return formatDuration(Math.round(durationMs / hourMs) * hourMs)
}
