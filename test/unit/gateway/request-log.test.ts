import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RequestLog } from '../../../src/gateway/request-log.ts'
import type { RequestRecord } from '../../../src/gateway/request-log.ts'

const pass = { client: { pid: 7, startTicks: 70 }, program: 'k9s' }
const pods = { method: 'GET', target: '/api/v1/namespaces/shop/pods' }
const watch = { method: 'GET', target: `${pods.target}?watch=true` }
const removal = { method: 'DELETE', target: '/api/v1/namespaces/shop/pods/web' }

let told: RequestRecord[]
/** What is to be remembered, and forgotten. */
let phases: [number | undefined, string][]
let isBusy: boolean
let log: RequestLog

beforeEach(() => {
  vi.useFakeTimers()
  told = []
  phases = []
  isBusy = false
  log = new RequestLog({
    nowMs: () => Date.now(),
    tell: (record) => {
      if (isBusy) throw new Error('busy')
      if (record.phase === undefined) told.push(record)
      else phases.push([record.number, record.phase])
    },
  })
})
afterEach(() => vi.useRealTimers())

function ask(request = pods, { code = 200, forMs = 0 } = {}): void {
  const logged = log.begin(request, pass)
  vi.advanceTimersByTime(forMs)
  logged.code = code
  logged.received += 10
  logged.over()
}

test('who, what, its code, bytes and time', () => {
  ask(removal, { forMs: 34 })
  expect(told).toEqual([
    {
      verb: 'delete',
      resource: 'pods',
      namespace: 'shop',
      name: 'web',
      program: 'k9s',
      pid: 7,
      code: 200,
      sent: 0,
      received: 10,
      number: 1,
      durationMs: 34,
    },
  ])
})

test('what takes more than a second is said twice: a lock would end it without a word', () => {
  const logged = log.begin({ ...pods, isUpgrade: true }, pass)
  logged.code = 101
  vi.advanceTimersByTime(400)
  const younger = log.begin({ ...pods, isUpgrade: true }, pass)
  vi.advanceTimersByTime(700)
  expect(told).toMatchObject([{ code: 101 }])
  expect(told[0]).not.toHaveProperty('durationMs')
  younger.over()
  vi.advanceTimersByTime(1_900)
  expect(told).toHaveLength(2)
  logged.over()
  expect(told[2]).toMatchObject({ code: 101, durationMs: 3_000 })
})

test('a poller is one entry a minute, and each change one by itself', () => {
  for (let at = 0; at < 300; at += 1) ask(pods, { forMs: 900 })
  const times = told.map((record) => record.times)
  expect(told.length).toBeLessThan(8)
  expect(times[0]).toBeUndefined()
  expect(times[1]).toBeGreaterThan(50)
  const before = told.length
  for (let at = 0; at < 5; at += 1) ask(removal)
  expect(told).toHaveLength(before + 5)
  // Not after it has ended.
  vi.advanceTimersByTime(600_000)
  expect(told.length).toBeLessThan(before + 5 + 2)
  expect(vi.getTimerCount()).toBe(0)
})

test('another code, another program, another object: another entry; a refusal again and again is one', () => {
  ask()
  ask(pods, { code: 404 })
  ask({ ...pods, target: '/api/v1/namespaces/other/pods' })
  log.refused(pods, undefined, 401)
  expect(told).toHaveLength(4)
  expect(told[3]).toMatchObject({ program: '', pid: 0, code: 401 })
  for (let at = 0; at < 100; at += 1) log.refused(removal, pass, 403)
  expect(told).toHaveLength(5)
})

test('too many different ones are counted, and the next that is told says how many', () => {
  for (let at = 0; at < 3_000; at += 1) ask({ ...removal, target: `${removal.target}-${at}` })
  const many = told.length
  expect(many).toBeLessThan(500)
  vi.advanceTimersByTime(1_000)
  ask(removal)
  expect(told[many]).toMatchObject({ name: 'web', leftOut: 3_000 - many })
  ask(removal)
  expect(told[many + 1]).not.toHaveProperty('leftOut')
  // Reads have a share of their own: they leave room for changes.
  for (let at = 0; at < 3_000; at += 1) ask({ ...pods, target: `${pods.target}/p-${at}` })
  vi.advanceTimersByTime(1_000)
  ask(removal)
  expect(told.at(-1)).toMatchObject({ verb: 'delete' })
  expect(told.length).toBeLessThan(1_000)
})

test('where nobody listens nothing is lost but the entry, which is counted', () => {
  isBusy = true
  ask(removal)
  isBusy = false
  ask(removal)
  expect(told).toMatchObject([{ leftOut: 1 }])
})

test('each is told when it begins, and taken back where it has no entry: what a lock cuts is known of', () => {
  ask(pods)
  expect(phases).toEqual([[1, 'begun']])
  expect(told).toMatchObject([{ number: 1 }])
  ask(pods)
  expect(phases.slice(1)).toEqual([
    [2, 'begun'],
    [2, 'over'],
  ])
  const stream = log.begin(watch, pass)
  vi.advanceTimersByTime(1_100)
  expect(told.at(-1)).toMatchObject({ number: 3 })
  const alike = log.begin(watch, pass)
  vi.advanceTimersByTime(1_100)
  // It has no entry of its own yet, and so is to be remembered still.
  expect(phases.at(-1)).toEqual([4, 'begun'])
  stream.over()
  alike.over()
  expect(phases.at(-1)).toEqual([4, 'over'])
  log.refused(pods, undefined, 401)
  expect(phases).toHaveLength(6)
})
