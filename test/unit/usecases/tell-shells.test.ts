import { expect, test } from 'vitest'
import type { Policy } from '../../../src/domain/policy.ts'
import type { GuardedSession } from '../../../src/usecases/guarded-session.ts'
import { keepDeadlines } from '../../../src/usecases/keep-deadlines.ts'
import type { Keeper, ProcessFacts, ProcessTable, Reaper } from '../../../src/usecases/ports.ts'
import { SessionTable } from '../../../src/usecases/session-table.ts'
import { TellShells } from '../../../src/usecases/tell-shells.ts'

const minute = 60_000
const rule: Policy = {
  name: 'default',
  contexts: ['*'],
  idleMs: 5 * minute,
  lifetimeMs: 60 * minute,
  warnMs: minute,
  notify: 'auto',
  escape: '~',
  scope: 'user',
  live: 'kill',
  suspendForMs: 600_000,
  lockOn: [],
  holders: 'expire',
  env: ['TOKEN'],
  hold: 'allow',
  finishMs: 0,
  absorb: 'auto',
  wipe: [],
  onLock: [],
  lockOutAfter: 10,
  lockOutForMs: 900_000,
  onMisuse: [],
  pinentry: '',
  materialize: false,
  access: 'plugin',
  deny: [],
  impersonate: 'never',
  unlock: [{ factor: 'passphrase' }],
}

/** Each process is at the terminal whose device has its pid. */
const terminalOf = ({ pid }: ProcessFacts) => ({ leader: { pid, startTicks: 5 }, device: pid })

/** A daemon's heart over a clock that the test moves; a person types when `typedMs` is set. */
function world(change: Partial<Policy> = {}) {
  const clock = { at: 0, now: () => ({ bootMs: clock.at, wallMs: 1_000_000 + clock.at }) }
  const policies = {
    current: () => [{ ...rule, ...change }],
    problems: () => [],
    files: () => [],
    tightenedBy: () => [],
    onChange: () => {},
  }
  const vaults = {
    policies: () => ['old'],
    has: () => true,
    credentials: () => ['id'],
    contexts: () => ['was-adopted-as-old'],
  }
  const file = { text: '' }
  const statusFile = {
    uptimeMs: () => clock.at,
    post: (render: () => string, written: () => void) => {
      file.text = render()
      written()
    },
  }
  const self = { pid: 1, startTicks: 2 }
  const warned: string[] = []
  const dead = new Set<number>()
  const processes = { inspect: (pid: number) => (dead.has(pid) ? undefined : ({ pid } as ProcessFacts)) }
  const shells: TellShells = new TellShells({
    clock,
    policies,
    vaults,
    statusFile,
    processes,
    table: () => table,
    self,
    withdrawn: ({ policy }) => warned.push(`${policy} is past`),
    warned: ({ policy }, text, { summary, body }) => warned.push(`${policy}: ${text}`, `${summary}: ${body}`),
  })
  const table: SessionTable = new SessionTable(
    { clock, policies, vaults, processes: { isAlive: () => true }, terminalOf },
    (guarded) => shells.locked(guarded),
    () => shells.changed(),
  )
  const guarded = table.get('default')
  const person = { typedMs: undefined as number | undefined }
  const terminals = { ofProcess: () => undefined, inputTimeMs: () => person.typedMs }
  guarded.terminals.set('t', { path: '/dev/pts/0', device: 1, birthNs: 1n })
  const alarm = { atMs: undefined as number | undefined, set: (atMs?: number) => (alarm.atMs = atMs) }
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const processTable = { isAlive: () => true } as unknown as ProcessTable
  const reaper = { live: () => {} } as unknown as Reaper
  const suspended = { endOverdue: () => {}, watched: () => undefined }
  const departures = { look: () => {} }
  guarded.keeper = { live: async () => {} } as unknown as Keeper
  return {
    clock,
    table,
    guarded,
    dead,
    warned,
    shells,
    file,
    person,
    alarm,
    wake: () =>
      keepDeadlines({
        clock,
        log,
        processes: processTable,
        reaper,
        terminals,
        table,
        alarm,
        shells,
        suspended,
        departures,
      }),
  }
}

function unlock({ table, guarded }: { table: SessionTable; guarded: GuardedSession }): void {
  table.advance(guarded, { type: 'unlock-begun' })
  const { generation } = guarded.session
  table.advance(guarded, { type: 'unlock-proven', generation, limits: table.limits('default') })
}

const notices = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('notice'))

test('tells the state, when it ends, and the policy of every context', () => {
  const made = world()
  unlock(made)
  expect(made.file.text).toContain('session default unlocked 300 240 TOKEN\n')
  expect(made.file.text).toContain('context old was-adopted-as-old\nglob default *\n')
})

test('warns once, at its time, and takes it back when somebody types', () => {
  const made = world()
  unlock(made)
  made.clock.at = 4 * minute - 1_000
  made.wake()
  expect(notices(made.file.text)).toEqual([])
  expect(made.alarm.atMs).toBe(4 * minute)
  made.clock.at = 4 * minute
  made.wake()
  made.clock.at += 2_000
  made.wake()
  expect(notices(made.file.text)).toEqual(['notice 1 kubeguard: default locks in 60 s unless you type'])
  expect(made.warned).toEqual([
    expect.stringMatching(/^default: kubeguard: default locks at \d\d:\d\d:\d\d unless you type$/),
    'default locks in 60 s: Type in one of its terminals to keep it open.',
  ])
  made.person.typedMs = 1_000_000 + 4 * minute
  made.wake()
  expect(notices(made.file.text)).toEqual([])
  expect(made.warned.slice(2)).toEqual(['default is past'])
  made.clock.at = 8 * minute + 10_000
  made.wake()
  expect(notices(made.file.text)).toHaveLength(1)
})

test('a warning that came true gives way to the lock, which says why and how to go on', () => {
  const made = world()
  unlock(made)
  made.clock.at = 4 * minute
  made.wake()
  made.clock.at = 5 * minute
  made.wake()
  expect(notices(made.file.text)).toEqual([
    expect.stringMatching(
      /^notice 2 kubeguard: default is locked since \d\d:\d\d \(idle too long\); to go on: kubeguard unlock default$/,
    ),
  ])
  expect(made.file.text).toContain('unset 2 TOKEN\n')
  expect(made.file.text).toContain('session default locked 0 0 TOKEN\n')
})

test('says that the lifetime ends, which no key prevents', () => {
  const made = world({ lifetimeMs: 5 * minute })
  unlock(made)
  made.clock.at = 4 * minute
  made.wake()
  expect(notices(made.file.text)).toEqual([
    'notice 1 kubeguard: default locks in 60 s (maximum age); then: kubeguard unlock default',
  ])
})

test.each([
  [{ warnMs: 0 }, 299_000],
  [{ idleMs: 20_000 }, 9_000],
])('warns of nothing with %o', (change, atMs) => {
  const made = world(change)
  unlock(made)
  made.clock.at = atMs
  made.wake()
  expect(notices(made.file.text)).toEqual([])
})

test('nothing is set while everything is locked', () => {
  const made = world()
  unlock(made)
  made.wake()
  made.clock.at = 6 * minute
  made.wake()
  expect(made.alarm.atMs).toBeUndefined()
})

test('a shell that waits is woken by news alone, and once for each', async () => {
  const made = world()
  made.shells.changed()
  const gone = new AbortController()
  await made.shells.news(gone.signal, 1)
  let woken = 0
  const wait = async (): Promise<void> => {
    await made.shells.news(gone.signal, 1)
    woken += 1
  }
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  let waiting = wait()
  unlock(made)
  await waiting
  waiting = wait()
  made.person.typedMs = 1_000_000 + minute
  made.clock.at = 2 * minute
  made.wake()
  await settle()
  expect(woken).toBe(1)
  made.clock.at = 10 * minute
  made.wake()
  await waiting
  expect(woken).toBe(2)
  waiting = wait()
  gone.abort()
  await waiting
})

test('so many shells and no more may wait', async () => {
  const made = world()
  made.shells.changed()
  const shells = Array.from({ length: 256 }, () => new AbortController())
  for (const [pid, { signal }] of shells.entries()) await made.shells.news(signal, pid)
  const all = shells.map(({ signal }, pid) => made.shells.news(signal, pid))
  await expect(made.shells.news(new AbortController().signal, 1_000)).rejects.toThrow('too many shells')
  for (const shell of shells) shell.abort()
  await Promise.all(all)
})

test('a shell that is gone gives its place to others, though a child of it has its connection', async () => {
  const made = world()
  made.shells.changed()
  const left = new AbortController()
  await made.shells.news(left.signal, 7)
  const waiting = made.shells.news(left.signal, 7)
  made.dead.add(7)
  await made.shells.news(new AbortController().signal, 8)
  await waiting
})

test('a shell waits on one connection: what it had before it was executed anew is let go', async () => {
  const made = world()
  made.shells.changed()
  const [before, after] = [new AbortController(), new AbortController()]
  await made.shells.news(before.signal, 7)
  const waiting = made.shells.news(before.signal, 7)
  await made.shells.news(after.signal, 7)
  await waiting
})

test('one terminal’s session, its warning and its lock are told to that terminal’s shells alone', () => {
  const made = world({ scope: 'terminal' })
  const here = made.table.get('default', { pid: 7 } as ProcessFacts)
  unlock({ table: made.table, guarded: here })
  expect(made.file.text).toContain('session default locked 0 0 TOKEN\nsession old locked')
  expect(made.file.text).toContain('\nat 7:5 session default unlocked 300 240 TOKEN\n')
  made.clock.at = 4 * minute
  made.wake()
  expect(made.file.text).toContain('\nat 7:5 notice 1 kubeguard: default locks in 60 s unless you type\n')
  made.clock.at = 5 * minute
  made.wake()
  expect(made.file.text).toMatch(
    /\nat 7:5 unset 2 TOKEN\nat 7:5 notice 2 kubeguard: default is locked since /,
  )
  expect(notices(made.file.text)).toEqual([])
})
