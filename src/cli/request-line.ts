import type { JournalEntry } from '../protocol/reports.ts'
import { formatBytes } from './byte-count.ts'
import { clean } from './clean-text.ts'
import { formatDuration, formatTimestamp } from './duration.ts'
import type { coloursFor } from './output.ts'

/** An entry of the journal of requests: `TIME  prod  kubectl (4711)  get pods shop/web  200  0 B up, 1.2 kB down  34 ms`. */
export function requestLine(
  { wallMs, policy = '', details }: Pick<JournalEntry, 'wallMs' | 'policy' | 'details'>,
  { dim, bold, red }: Pick<ReturnType<typeof coloursFor>, 'dim' | 'bold' | 'red'>,
): string {
  const text = (name: string): string => clean(String(details[name] ?? ''))
  const count = (name: string): number => Number(details[name] ?? 0)
  const object = [text('namespace'), text('name')].filter((part) => part !== '').join('/')
  const about = [bold(text('verb')), text('resource'), object].filter((part) => part !== '').join(' ')
  const program = text('program')
  const code = text('code')
  return [
    dim(formatTimestamp(wallMs)),
    clean(policy),
    program === '' ? 'no valid pass' : `${program} (${text('pid')})`,
    about,
    code === '' ? red('no answer') : count('code') >= 400 ? red(code) : code,
    `${formatBytes(count('sent'))} up, ${formatBytes(count('received'))} down`,
    time(details),
    ...(details['leftOut'] === undefined ? [] : [`${text('leftOut')} before it left out`]),
  ].join('  ')
}

function time({ ms, times }: JournalEntry['details']): string {
  if (times !== undefined) return `${Number(times)} more alike`
  if (ms === undefined) return 'under way'
  return Number(ms) < 1_000 ? `${Number(ms)} ms` : formatDuration(Number(ms))
}
