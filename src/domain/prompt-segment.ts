/** How near a lock is: `locked`, or open with much time, little (5 min), or almost none (the warning). */
export type Urgency = 'locked' | 'open' | 'soon' | 'now'

const minuteMs = 60_000
const soonMs = 5 * minuteMs

/** The segment as the hooks in `shell/` write it. `leftMs`: until the session locks; undefined while it is locked. */
export function promptSegment(
  policy: string,
  leftMs: number | undefined,
  options: { emoji: boolean; warnMs?: number },
): { text: string; urgency: Urgency } {
  const urgency = urgencyOf(leftMs, options.warnMs ?? minuteMs)
  const words = urgency === 'locked' ? 'locked' : 'open'
  const sign = options.emoji ? { locked: '🔒', open: '🔓' }[words] : words
  const left = leftMs === undefined ? '' : ` ${shortTime(leftMs)}`
  return { text: `${sign} ${policy}${left}`, urgency }
}

function urgencyOf(leftMs: number | undefined, warnMs: number): Urgency {
  if (leftMs === undefined) return 'locked'
  if (leftMs <= warnMs) return 'now'
  return leftMs <= soonMs ? 'soon' : 'open'
}

function shortTime(leftMs: number): string {
  if (leftMs >= 120 * minuteMs) return `${Math.floor(leftMs / (60 * minuteMs))}h`
  return `${Math.max(1, Math.round(leftMs / minuteMs))}m`
}
