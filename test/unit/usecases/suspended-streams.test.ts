import { expect, test } from 'vitest'
import type { LockReason } from '../../../src/domain/event.ts'
import { clientKey, guardedSession } from '../../../src/usecases/guarded-session.ts'
import type { Client } from '../../../src/usecases/guarded-session.ts'
import { SuspendedStreams, suspensionLeftMs } from '../../../src/usecases/suspended-streams.ts'

const minute = 60_000

const clientOf = (pid: number, more: Partial<Client> = {}): Client => ({
  id: { pid, startTicks: pid },
  kind: 'live',
  program: 'kubectl exec',
  command: 'kubectl exec web-0',
  context: 'prod',
  since: { bootMs: 0, wallMs: 0 },
  graceMs: 200,
  hasTerminal: true,
  ...more,
})

const stream = clientOf(10, { supervised: true })
const inside = clientOf(11, { kind: 'holder', within: stream.id })
const bare = clientOf(12)

/** A locked session with a stream that can be covered, and one that says whether it was. */
function world(rules: { live?: 'kill'; covers?: false } = {}) {
  const clock = { at: minute, now: () => ({ bootMs: clock.at, wallMs: clock.at }) }
  const policy = { live: rules.live ?? 'suspend', suspendForMs: 10 * minute }
  const ended: string[] = []
  const groups = new Map<number, string>()
  const recorded: string[] = []
  const uncovered: number[] = []
  const guarded = guardedSession('prod')
  const streams = new SuspendedStreams({
    clock,
    journal: { record: ({ event }: { event: string }) => recorded.push(event) > 0 },
    log: { error: () => undefined },
    processes: { isAlive: () => true },
    reaper: {
      watch: ({ id }: Client, group: string) => void groups.set(id.pid, group),
      end: async (group: string, roots: readonly Client[], spared: readonly unknown[]) => {
        ended.push(`${group}: ${roots.map(({ id }) => id.pid).join(' ')}, spared ${spared.length}`)
      },
    },
    supervisors: {
      maySuspend: ({ pid }: { pid: number }) => pid === stream.id.pid,
      cover: async () => rules.covers ?? true,
      uncover: ({ pid }: { pid: number }) => void uncovered.push(pid),
      tellEnd: () => undefined,
    },
    table: () => ({ rules: () => policy }),
  } as unknown as ConstructorParameters<typeof SuspendedStreams>[0])
  const cover = (reason: LockReason = 'idle') => streams.cover(guarded, reason, [stream, inside, bare])
  return { clock, policy, ended, groups, recorded, uncovered, guarded, streams, cover }
}

test('what can be covered is no client of the lock any more, nor is what holds a credential on its terminal', async () => {
  const { cover, groups, guarded, recorded, ended } = world()
  const { ended: left, late } = cover()
  expect(left).toEqual([bare])
  expect([...groups]).toEqual([
    [10, 'prod suspended'],
    [11, 'prod suspended'],
  ])
  expect(await late).toEqual([])
  expect(recorded).toEqual(['suspended'])
  expect(guarded.suspended?.clients.size).toBe(2)
  expect(ended).toEqual([])
})

test.each(['daemon-stopped', 'logout', 'misuse'] as const)(
  '%s covers nothing, and ends what is covered',
  async (reason) => {
    const { cover, guarded, ended } = world()
    cover()
    const { ended: left, late } = cover(reason)
    expect(left).toHaveLength(3)
    await late
    expect(ended).toEqual(['prod suspended: 10 11, spared 0'])
    expect(guarded.suspended).toBeUndefined()
  },
)

test('under kill nothing is covered', () => {
  const { cover, guarded } = world({ live: 'kill' })
  expect(cover().ended).toHaveLength(3)
  expect(guarded.suspended).toBeUndefined()
})

test('one whose lock screen does not stand in time is ended, with what is on its terminal', async () => {
  const { cover, streams, guarded, ended } = world({ covers: false })
  const late = await cover().late
  expect(late).toEqual([stream])
  await streams.endLate(guarded, late)
  expect(ended).toEqual(['prod suspended: 10 11, spared 0'])
  expect(guarded.suspended).toBeUndefined()
})

test('an unlock makes them the new session’s', () => {
  const { cover, streams, guarded, groups, uncovered, recorded } = world()
  cover()
  streams.uncover(guarded)
  expect([...guarded.clients.keys()]).toEqual([clientKey(stream.id), clientKey(inside.id)])
  expect(groups.get(10)).toBe('prod')
  expect(uncovered).toEqual([10])
  expect(recorded).toContain('resumed')
})

test('a further lock does not give them more time, and an unlock that comes too late ends them', () => {
  const { cover, clock, streams, guarded, ended, uncovered } = world()
  cover()
  clock.at += 6 * minute
  cover()
  expect(streams.watched(guarded)).toMatchObject({ name: 'prod suspended', deadlineBootMs: 11 * minute })
  clock.at += 4 * minute
  streams.uncover(guarded)
  expect(ended).toEqual(['prod suspended: 10 11, spared 0'])
  expect(uncovered).toEqual([])
  expect(guarded.clients.size).toBe(0)
})

test('the rules as they are by now count where they are stricter', () => {
  const suspension = { since: { bootMs: 0, wallMs: 0 }, forMs: 10 * minute, clients: new Map() }
  const at = (ms: number) => ({ bootMs: ms, wallMs: ms })
  expect(suspensionLeftMs({ live: 'suspend', suspendForMs: 20 * minute }, suspension, at(minute))).toBe(
    9 * minute,
  )
  expect(suspensionLeftMs({ live: 'suspend', suspendForMs: 2 * minute }, suspension, at(minute))).toBe(minute)
  expect(suspensionLeftMs({ live: 'kill', suspendForMs: minute }, suspension, at(0))).toBe(0)
  // A clock that was set back gives nothing.
  expect(
    suspensionLeftMs({ live: 'suspend', suspendForMs: 9 * minute }, suspension, {
      bootMs: minute,
      wallMs: 0,
    }),
  ).toBe(8 * minute)
})
