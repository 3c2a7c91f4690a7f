import { expect, test } from 'vitest'
import { Lease } from '../../../src/keeper/lease.ts'

/** Both clocks in the test's hand. */
function makeLease() {
  let now = { bootMs: 1_000_000, wallMs: 1_700_000_000_000 }
  const lease = new Lease(() => now)
  const pass = (bootMs: number, wallMs = bootMs): void => {
    now = { bootMs: now.bootMs + bootMs, wallMs: now.wallMs + wallMs }
  }
  const inMs = (ms: number) => ({ deadlineBootMs: now.bootMs + ms, lifetimeWallMs: now.wallMs + ms })
  return { lease, pass, inMs }
}

test('an attempt that is not made within two minutes is none', () => {
  const { lease, pass, inMs } = makeLease()
  expect(lease.inForce).toBeUndefined()
  pass(119_999)
  // A heartbeat does not stand in for the attempt.
  lease.renew(inMs(60_000))
  expect(lease.leftMs).toBe(1)
  expect(lease.inForce).toBeUndefined()
})

test('twenty seconds of silence end it, however far the deadline', () => {
  const { lease, pass, inMs } = makeLease()
  lease.open(inMs(3_600_000))
  pass(19_999)
  expect(lease.leftMs).toBe(1)
  lease.renew(inMs(3_600_000))
  expect(lease.leftMs).toBe(20_000)
  pass(20_000)
  expect(lease.inForce).toBeUndefined()
})

test.each([
  ['boot time, as after a suspend', 7_001, 0],
  ['wall time, set forward', 0, 7_001],
])('two seconds past a deadline by %s', (_clock, bootMs, wallMs) => {
  const { lease, pass, inMs } = makeLease()
  lease.open(inMs(5_000))
  pass(bootMs, wallMs)
  expect(lease.leftMs).toBeLessThan(0)
  expect(lease.inForce).toBeUndefined()
})

test('a wall clock that is set back keeps nothing alive', () => {
  const { lease, pass, inMs } = makeLease()
  lease.open(inMs(5_000))
  pass(7_001, -3_600_000)
  expect(lease.leftMs).toBeLessThan(0)
})

test('an opening without deadlines gives nothing out until a heartbeat brings them', () => {
  const { lease, inMs } = makeLease()
  lease.open(undefined)
  expect(lease.inForce).toBeUndefined()
  lease.renew(inMs(5_000))
  expect(lease.inForce).toEqual(inMs(5_000))
})

test('it is overdue from the deadline on, on either clock, though it waits two seconds longer for the daemon', () => {
  const { lease, pass, inMs } = makeLease()
  expect(lease.isOverdue).toBe(false)
  lease.open(inMs(1_000))
  pass(999)
  expect(lease.isOverdue).toBe(false)
  pass(1)
  expect(lease.isOverdue).toBe(true)
  expect(lease.inForce).toBeDefined()
  lease.renew({ ...inMs(1_000), lifetimeWallMs: inMs(0).lifetimeWallMs })
  expect(lease.isOverdue).toBe(true)
})

test('once it has ended nothing is in force, whatever heartbeat comes', () => {
  const { lease, inMs } = makeLease()
  lease.open(inMs(5_000))
  lease.end()
  expect(lease.inForce).toBeUndefined()
  lease.renew(inMs(5_000))
  expect(lease.inForce).toBeUndefined()
})
