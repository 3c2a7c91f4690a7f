import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { Tickets } from '../../../src/keeper/tickets.ts'

const expected = (purpose: 'open' | 'issue', pid = 1) =>
  ({ client: { pid, startTicks: 1 }, purpose, credential: undefined }) as const

test('a ticket can be taken once, by its exact bytes', () => {
  const tickets = new Tickets(() => 0)
  const ticket = randomBytes(32)
  tickets.add(ticket, expected('issue', 7))
  expect(tickets.take(ticket.subarray(1))).toBeUndefined()
  expect(tickets.take(ticket)).toMatchObject({ client: { pid: 7 } })
  expect(tickets.take(ticket)).toBeUndefined()
})

test('what was registered does not change with the buffer it came in', () => {
  const tickets = new Tickets(() => 0)
  const ticket = randomBytes(32)
  const copy = Buffer.from(ticket)
  tickets.add(ticket, expected('issue'))
  ticket.fill(0)
  expect(tickets.take(ticket)).toBeUndefined()
  expect(tickets.take(copy)).toBeDefined()
})

test('it goes stale: after 30 s to be issued a credential, after two minutes to open', () => {
  let nowMs = 0
  const tickets = new Tickets(() => nowMs)
  const [issue, open, late] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  tickets.add(issue, expected('issue'))
  tickets.add(open, expected('open'))
  tickets.add(late, expected('open'))
  nowMs = 30_000
  expect(tickets.take(issue)).toBeUndefined()
  expect(tickets.take(open)).toBeDefined()
  nowMs = 120_000
  expect(tickets.take(late)).toBeUndefined()
})

test('the register is bounded: the oldest gives way', () => {
  const tickets = new Tickets(() => 0)
  const all = Array.from({ length: 1025 }, () => randomBytes(32))
  for (const ticket of all) tickets.add(ticket, expected('issue'))
  expect(tickets.take(all[0] as Buffer)).toBeUndefined()
  expect(tickets.take(all[1] as Buffer)).toBeDefined()
})
