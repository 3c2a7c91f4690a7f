import type { Instant } from '../domain/session.ts'
import type { GuardedSession } from './guarded-session.ts'
import type { Clock, Terminals } from './ports.ts'
import type { SessionTable } from './session-table.ts'

interface Deps {
  readonly clock: Clock
  readonly terminals: Terminals
  readonly table: SessionTable
}

/** Input times of terminals move in steps of 8 s (tty_update_time in Linux' drivers/tty/tty_io.c). */
const stepMs = 8_000

/** Looks at the session's terminals, and tells the session when a human was last seen there. */
export function watchPresence({ clock, terminals, table }: Deps, guarded: GuardedSession): void {
  if (guarded.session.state === 'held') table.advance(guarded, { type: 'time-passed' })
  if (guarded.session.state !== 'unlocked') return
  const now = clock.now()
  const times = [...guarded.terminals.values()]
    .map((terminal) => terminals.inputTimeMs(terminal, now))
    .filter((time) => time !== undefined)
  const latest = Math.max(...times)
  if (times.length > 0) table.advance(guarded, { type: 'human-seen', at: seenAt(latest, now) })
  else table.advance(guarded, { type: 'time-passed' })
}

/** The moment on both clocks of an input that lies so far back on the wall clock. */
function seenAt(inputMs: number, now: Instant): Instant {
  const wallMs = Math.min(inputMs + stepMs, now.wallMs)
  return { wallMs, bootMs: now.bootMs - (now.wallMs - wallMs) }
}
