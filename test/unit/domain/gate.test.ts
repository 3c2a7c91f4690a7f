import { describe, expect, it } from 'vitest'
import type { VerbClass } from '../../../src/domain/command.ts'
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
  },
}
const classes: readonly VerbClass[] = ['local', 'unary', 'live', 'interactive', 'plugin']
const cases = classes.flatMap((verbClass) =>
  Object.values(sessions).flatMap((session) =>
    [true, false].flatMap((completion) =>
      [true, false].map((mayAsk) => ({ verbClass, session, completion, mayAsk })),
    ),
  ),
)

function expected({ verbClass, session, completion, mayAsk }: (typeof cases)[number]): Verdict {
  if (verbClass === 'local' || session.state === 'unlocked') return { verdict: 'allow' }
  if (completion) return { verdict: 'deny', because: 'completion' }
  return mayAsk ? { verdict: 'challenge' } : { verdict: 'deny', because: 'locked' }
}

describe('the gate', () => {
  it.each(cases.map((one) => [one.verbClass, one.session.state, one.completion, one.mayAsk, one] as const))(
    '%s, %s, completion %s, may ask %s',
    (_class, _state, completion, _ask, { verbClass, session, mayAsk }) => {
      const verdict = decide({ command: { verbClass, completion }, session, mayAsk })
      expect(verdict).toEqual(expected({ verbClass, session, completion, mayAsk }))
      // Whatever else changes: nothing but an open session lets a request to a server through.
      if (verdict.verdict === 'allow')
        expect(verbClass === 'local' || session.state === 'unlocked').toBe(true)
      if (completion) expect(verdict.verdict).not.toBe('challenge')
    },
  )
})
