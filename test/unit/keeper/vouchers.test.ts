import { expect, test } from 'vitest'
import { Vouchers } from '../../../src/keeper/vouchers.ts'

const credential = 'prod.alice-1'
const client = { pid: 7, startTicks: 70 }

/** A world in which plugin 8 is client 7's, plugin 9 another's, and nothing is known of others. */
function world() {
  const clock = { nowMs: 0 }
  const holders = new Map([
    [8, { ...client, program: 'kubectl', hasTerminal: true }],
    [9, { pid: 6, startTicks: 60, program: 'kubectl', hasTerminal: true }],
  ])
  const vouchers = new Vouchers({ bootMs: () => clock.nowMs, holderOf: (pid) => holders.get(pid) })
  return { clock, holders, vouchers }
}

test('a voucher is good once, for the client’s own plugin, and for its credential', () => {
  const { vouchers } = world()
  vouchers.add({ client, credential })
  expect(vouchers.take(9, credential)).toBeUndefined()
  expect(vouchers.take(10, credential)).toBeUndefined()
  expect(vouchers.take(8, 'prod.bob-1')).toBeUndefined()
  expect(vouchers.take(8, credential)).toMatchObject({ ...client, program: 'kubectl' })
  expect(vouchers.take(8, credential)).toBeUndefined()
})

test('a client may be vouched for twice, for two credentials', () => {
  const { vouchers } = world()
  vouchers.add({ client, credential })
  vouchers.add({ client, credential: 'prod.bob-1' })
  expect(vouchers.take(8, 'prod.bob-1')).toBeDefined()
  expect(vouchers.take(8, credential)).toBeDefined()
})

test('a recycled pid is another client', () => {
  const { holders, vouchers } = world()
  vouchers.add({ client, credential })
  holders.set(8, { pid: 7, startTicks: 71, program: 'kubectl', hasTerminal: true })
  expect(vouchers.take(8, credential)).toBeUndefined()
})

test('it goes stale after 10 s', () => {
  const { clock, vouchers } = world()
  vouchers.add({ client, credential })
  clock.nowMs = 9_999
  vouchers.add({ client, credential: 'prod.bob-1' })
  clock.nowMs = 10_000
  expect(vouchers.take(8, credential)).toBeUndefined()
  expect(vouchers.take(8, 'prod.bob-1')).toBeDefined()
})

test('once it is over nobody is vouched for any more', () => {
  const { vouchers } = world()
  vouchers.add({ client, credential })
  vouchers.end()
  vouchers.add({ client, credential })
  expect(vouchers.take(8, credential)).toBeUndefined()
})

test('of more than 256 the oldest gives way', () => {
  const { vouchers } = world()
  vouchers.add({ client, credential })
  for (let pid = 1_000; pid < 1_255; pid += 1) vouchers.add({ client: { pid, startTicks: 1 }, credential })
  vouchers.add({ client, credential })
  vouchers.add({ client: { pid: 2_000, startTicks: 1 }, credential })
  expect(vouchers.take(8, credential)).toBeDefined()
  vouchers.add({ client, credential })
  for (let pid = 1_000; pid < 1_256; pid += 1) vouchers.add({ client: { pid, startTicks: 1 }, credential })
  expect(vouchers.take(8, credential)).toBeUndefined()
})
