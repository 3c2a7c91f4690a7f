import { expect, test } from 'vitest'
import { guardedSession } from '../../../src/usecases/guarded-session.ts'
import type { ProcessId } from '../../../src/usecases/ports.ts'
import { trackClient } from '../../../src/usecases/track-client.ts'

test('what comes and goes beside hundreds that live is forgotten, and none is looked at for every command', () => {
  const guarded = guardedSession('default')
  const live = 200
  const passing = 2_000
  let looks = 0
  const deps = {
    clock: { now: () => ({ bootMs: 0, wallMs: 0 }) },
    processes: { isAlive: ({ pid }: ProcessId) => ((looks += 1), pid <= live) },
    reaper: { watch: () => undefined },
  }
  const track = (pid: number): void =>
    trackClient(
      deps,
      { guarded },
      {
        id: { pid, startTicks: pid },
        kind: 'live',
        program: 'kubectl get',
        command: 'kubectl get pods',
        context: 'some',
        graceMs: 0,
        hasTerminal: false,
      },
    )
  let most = 0
  for (let pid = 1; pid <= live + passing; pid += 1) {
    track(pid)
    most = Math.max(most, guarded.clients.size)
  }
  expect(looks).toBeLessThan(4 * (live + passing))
  expect(most).toBeLessThan(3 * live)
  for (let pid = 1; pid <= live; pid += 1) expect(guarded.clients.has(`${pid}:${pid}`)).toBe(true)
})
