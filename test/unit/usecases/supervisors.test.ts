import { expect, test } from 'vitest'
import { guardedSession } from '../../../src/usecases/guarded-session.ts'
import type { Client } from '../../../src/usecases/guarded-session.ts'
import type { ProcessFacts, ProcessTable, TerminalId, Terminals } from '../../../src/usecases/ports.ts'
import type { SessionTable } from '../../../src/usecases/session-table.ts'
import { Supervisors } from '../../../src/usecases/supervisors.ts'

const program = '/opt/kubeguard/dist/native/kubeguard-supervisor'
const outer: TerminalId = { path: '/dev/pts/1', device: 1, birthNs: 5n }
const inner = 2

/** A terminal with one supervised client, whose access time the test moves. */
function world(change: { program?: string; supervised?: false; locked?: true; live?: 'suspend' } = {}) {
  const clock = { at: 100_000, now: () => ({ bootMs: clock.at, wallMs: clock.at }) }
  const read = { ms: 90_000 as number | undefined }
  const processes = new Map<number, Partial<ProcessFacts>>([
    [10, { ttyDevice: outer.device, pgrp: 10, foregroundPgrp: 10, state: 'S' }],
    [20, { ttyDevice: inner, pgrp: 20, foregroundPgrp: 20, state: 'S' }],
    [30, { ttyDevice: outer.device, pgrp: 30, foregroundPgrp: 10, state: 'S' }],
  ])
  const factsOf = (pid: number): ProcessFacts | undefined => {
    const facts = processes.get(pid)
    return facts === undefined ? undefined : ({ pid, startTicks: pid, ...facts } as ProcessFacts)
  }
  const client: Client = {
    id: { pid: 10, startTicks: 10 },
    kind: 'live',
    program: 'kubectl exec',
    command: 'kubectl exec web-0',
    context: 'prod',
    since: clock.now(),
    graceMs: 1_000,
    hasTerminal: true,
    ...(change.supervised === false ? {} : { supervised: true }),
  }
  const guarded = guardedSession('prod')
  guarded.clients.set('10:10', client)
  const limits = { idleMs: 1, lifetimeMs: 1 }
  if (change.locked !== true)
    guarded.session = {
      state: 'unlocked',
      generation: 1,
      since: clock.now(),
      lastHuman: clock.now(),
      limits,
      holds: [],
    }
  const recorded: unknown[] = []
  const real: Terminals = {
    ofProcess: ({ ttyDevice }) => ({ path: `/dev/pts/${ttyDevice}`, device: ttyDevice, birthNs: 5n }),
    inputTimeMs: () => read.ms,
  }
  const supervisors = new Supervisors({
    clock,
    journal: { record: (entry: unknown) => recorded.push(entry) > 0 } as never,
    processes: { inspect: factsOf, executable: () => change.program ?? program } as unknown as ProcessTable,
    table: () =>
      ({
        all: () => [guarded],
        rules: () => ({ escape: '^]', live: change.live ?? 'kill' }),
      }) as unknown as SessionTable,
    program,
  })
  const connection = new AbortController()
  const begin = () => supervisors.begin(10, inner, real, connection.signal)
  const inputMs = (): number | undefined => supervisors.over(real).inputTimeMs(outer, clock.now())
  return {
    clock,
    read,
    processes,
    client,
    supervisors,
    real,
    connection,
    begin,
    inputMs,
    recorded,
    factsOf,
    guarded,
  }
}

const report = { typed: true, hungUp: false, keys: 7, output: 9, covered: false }

test('a terminal that nobody supervises is as it is read', () => {
  const { inputMs } = world()
  expect(inputMs()).toBe(90_000)
})

test('while it is supervised only what the supervisor says counts', () => {
  const { begin, read, clock, inputMs, supervisors, client } = world()
  begin()
  read.ms = 100_000
  expect(inputMs()).toBeUndefined()
  clock.at = 130_000
  supervisors.report(10, report)
  read.ms = 135_000
  clock.at = 140_000
  expect(inputMs()).toBe(130_000)
  expect(supervisors.of(client.id)).toMatchObject({ typedMs: 130_000, keys: 7, output: 9 })
})

test('afterwards the terminal is believed again, but not what moved it until then', () => {
  const { begin, read, clock, inputMs, connection } = world()
  begin()
  clock.at = 150_500
  read.ms = 150_000
  connection.abort()
  clock.at = 160_000
  expect(inputMs()).toBeUndefined()
  read.ms = 159_000
  expect(inputMs()).toBe(159_000)
})

test('one that is stopped, or in the background, does not read the terminal', () => {
  const { begin, read, processes, inputMs } = world()
  begin()
  read.ms = 100_000
  processes.set(10, { ...processes.get(10), state: 'T' })
  expect(inputMs()).toBe(100_000)
  processes.set(10, { ...processes.get(10), state: 'S', foregroundPgrp: 99 })
  expect(inputMs()).toBe(100_000)
})

test('the terminal inside is nobody’s', () => {
  const { begin, supervisors, real, factsOf, connection } = world()
  const inside = factsOf(20) as ProcessFacts
  expect(supervisors.over(real).ofProcess(inside)).toBeDefined()
  begin()
  expect(supervisors.over(real).ofProcess(inside)).toBeUndefined()
  expect(supervisors.around(inside)).toEqual({ pid: 10, startTicks: 10 })
  connection.abort()
  expect(supervisors.around(inside)).toBeUndefined()
})

test.each([
  ['another program', { program: '/home/me/kubeguard-supervisor' }],
  ['a client that the gate did not name', { supervised: false }],
] as const)('%s is no supervisor', (_, change) => {
  const { begin, supervisors } = world(change)
  expect(begin).toThrow('supervises nothing')
  expect(() => supervisors.report(10, report)).toThrow('supervises nothing')
})

test('nobody else tells of keys', () => {
  const { begin, supervisors, inputMs } = world()
  begin()
  expect(() => supervisors.report(30, report)).toThrow('30 supervises nothing')
  expect(inputMs()).toBeUndefined()
})

test('one that comes after the lock is sent away', () => {
  expect(world({ locked: true }).begin).toThrow('prod is locked')
})

test('the end is told, also to one that asks later', async () => {
  const { begin, supervisors, client } = world()
  begin()
  supervisors.tellEnd([client], ({ command }) => ({ byPerson: false, message: `${command} was ended` }))
  expect(await supervisors.wait(10)).toEqual({
    byPerson: false,
    uncover: false,
    message: 'kubectl exec web-0 was ended',
  })
})

test('a warning is told once, that it is past, too, and the end goes before it', async () => {
  const { begin, supervisors, client, guarded } = world()
  begin()
  const first = supervisors.wait(10)
  supervisors.warn(guardedSession('prod'), 'another one')
  supervisors.warn(guarded, 'prod locks in 60 s')
  expect(await first).toEqual({ byPerson: false, uncover: false, warning: 'prod locks in 60 s' })
  const second = supervisors.wait(10)
  supervisors.warn(guarded, '')
  expect(await second).toEqual({ byPerson: false, uncover: false, warning: '' })
  const third = supervisors.wait(10)
  supervisors.warn(guarded, 'prod locks in 10 s')
  supervisors.tellEnd([client], () => ({ byPerson: false, message: 'ended' }))
  expect(await third).toEqual({ byPerson: false, uncover: false, message: 'ended' })
})

test('a terminal that went away is written down', () => {
  const { begin, supervisors, recorded } = world()
  begin()
  supervisors.report(10, { ...report, hungUp: true })
  expect(recorded).toEqual([
    { event: 'hung-up', policy: 'prod', details: { pid: 10, command: 'kubectl exec web-0' } },
  ])
})

test('it is told which key speaks to kubeguard, and then what was asked for, behind what matters more', async () => {
  const { begin, supervisors, guarded } = world()
  expect(begin()).toMatchObject({ escape: 0x1d })
  expect(supervisors.streamOf(10)).toMatchObject({ guarded, escape: '^]' })
  supervisors.tell(10, 'help')
  supervisors.warn(guarded, 'prod locks in 60 s')
  expect(await supervisors.wait(10)).toMatchObject({ byPerson: false, warning: 'prod locks in 60 s' })
  expect(await supervisors.wait(10)).toMatchObject({ byPerson: false, notice: 'help' })
  expect(() => supervisors.tell(30, 'help')).toThrow('supervises nothing')
})

test('a lock covers it once it says so, and an unlock uncovers it', async () => {
  const { begin, supervisors, client } = world({ live: 'suspend' })
  expect(begin()).toMatchObject({ suspends: true })
  expect(supervisors.maySuspend(client.id)).toBe(true)
  const news = supervisors.wait(10)
  const covered = supervisors.cover(client.id, { policy: 'prod', lines: 'prod is locked' })
  expect(await news).toEqual({ byPerson: false, uncover: false, cover: 'prod is locked', policy: 'prod' })
  expect(supervisors.isCovered(client.id)).toBe(true)
  supervisors.report(10, { ...report, covered: true })
  expect(await covered).toBe(true)
  expect(supervisors.uncover(client.id)).toEqual(outer)
  expect(await supervisors.wait(10)).toEqual({ byPerson: false, uncover: true })
  expect(supervisors.isCovered(client.id)).toBe(false)
})

test('one whose connection closes is not covered', async () => {
  const { begin, supervisors, client, connection } = world({ live: 'suspend' })
  begin()
  const covered = supervisors.cover(client.id, { policy: 'prod', lines: '' })
  connection.abort()
  expect(await covered).toBe(false)
})

test('one that began when a lock still ended it can’t be covered', () => {
  const { begin, supervisors, client } = world()
  expect(begin()).toMatchObject({ suspends: false })
  expect(supervisors.maySuspend(client.id)).toBe(false)
})
