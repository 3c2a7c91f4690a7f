import { describe, expect, it } from 'vitest'
import type { Command } from '../../../src/domain/command.ts'
import { decide } from '../../../src/domain/gate.ts'
import type { Verdict } from '../../../src/domain/gate.ts'
import type { Session } from '../../../src/domain/session.ts'

const now = { bootMs: 0, wallMs: 0 }
const sessions: Record<Session['state'], Session> = {
  locked: { state: 'locked', generation: 1, lock: undefined },
  unlocking: { state: 'unlocking', generation: 1, lock: undefined, since: now },
  unlocked: {
    state: 'unlocked',
    generation: 1,
    since: now,
    lastHuman: now,
    limits: { idleMs: 1, lifetimeMs: 1 },
    holds: [],
  },
  held: {
    state: 'held',
    generation: 1,
    since: now,
    limits: { idleMs: 1, lifetimeMs: 1 },
    lock: { reason: 'idle', at: now },
    holds: [{ process: { pid: 2, startTicks: 2 }, kind: 'hold', forMs: 1, since: now }],
    unlocking: false,
  },
}
const classes: readonly Command['verbClass'][] = [
  'local',
  'unary',
  'live',
  'interactive',
  'plugin',
  'unasked',
]
const cases = classes.flatMap((verbClass) =>
  Object.values(sessions).flatMap((session) =>
    [true, false].flatMap((completion) =>
      [true, false].map((served) => ({ verbClass, session, completion, served })),
    ),
  ),
)

const isOpen = ({ session, served }: (typeof cases)[number]): boolean =>
  session.state === 'unlocked' || (session.state === 'held' && served)

/** What needs no server, or most likely needs none. */
const isLetBy = ({ verbClass }: (typeof cases)[number]): boolean =>
  verbClass === 'local' || verbClass === 'unasked'

function expected(one: (typeof cases)[number]): Verdict {
  if (isLetBy(one) || isOpen(one)) return 'allow'
  return one.completion ? 'deny-completion' : 'challenge'
}

describe('the gate', () => {
  it.each(cases.map((one) => [one.verbClass, one.session.state, one.completion, one.served, one] as const))(
    '%s, %s, completion %s, served %s',
    (_class, _state, completion, _served, one) => {
      const { verbClass, session, served } = one
      const verdict = decide({ command: { verbClass, completion }, session, served })
      expect(verdict).toBe(expected(one))
      // Whatever else changes: nothing but an open session, or one held for the asker, lets a request through.
      if (verdict === 'allow') expect(isLetBy(one) || isOpen(one)).toBe(true)
      if (completion) expect(verdict).not.toBe('challenge')
    },
  )
})
