import { expect, test } from 'vitest'
import type { ProcessFacts, ProcessTable } from '../../../src/usecases/ports.ts'
import { isThere, ledTerminal, personsTerminal } from '../../../src/usecases/led-terminal.ts'

const outer = 1
const inner = 2

/** A shell leads the person's terminal; a supervisor there, whose warden leads an inner one. */
function world() {
  const facts = new Map<number, Partial<ProcessFacts>>([
    [9, { session: 9, ttyDevice: outer }],
    [10, { session: 9, ttyDevice: outer, ppid: 9 }],
    [19, { session: 19, ttyDevice: inner, ppid: 10 }],
    [20, { session: 19, ttyDevice: inner, ppid: 19 }],
    // In a container.
    [39, { session: 39, ttyDevice: inner, ppid: 1 }],
    [40, { session: 39, ttyDevice: inner, ppid: 39 }],
    [50, { session: 50, ttyDevice: 0, ppid: 9 }],
  ])
  const of = (pid: number): ProcessFacts => ({ pid, startTicks: pid * 10, ...facts.get(pid) }) as ProcessFacts
  const processes: Pick<ProcessTable, 'inspect'> = {
    inspect: (pid) => (facts.has(pid) ? of(pid) : undefined),
  }
  return { facts, of, processes }
}

const persons = { leader: { pid: 9, startTicks: 90 }, device: outer }
const supervisor = { pid: 10, startTicks: 100 }

test('a terminal is its device, and who leads it since when', () => {
  const { facts, of, processes } = world()
  expect(ledTerminal(processes, of(10))).toEqual(persons)
  expect(ledTerminal(processes, of(50))).toBeUndefined()
  expect(isThere(processes, persons)).toBe(true)
  expect(isThere(processes, { ...persons, leader: { pid: 9, startTicks: 91 } })).toBe(false)
  facts.set(9, { session: 9, ttyDevice: 0 })
  expect(isThere(processes, persons)).toBe(false)
  expect(ledTerminal(processes, of(10))).toBeUndefined()
  facts.delete(9)
  expect(isThere(processes, persons)).toBe(false)
  expect(ledTerminal(processes, of(10))).toBeUndefined()
})

test('inside of a supervised terminal it is the person’s, and of no other with its number', () => {
  const { of, processes } = world()
  expect(personsTerminal(processes, of(20), supervisor)).toEqual(persons)
  expect(personsTerminal(processes, of(10), undefined)).toEqual(persons)
  expect(personsTerminal(processes, of(40), supervisor)?.leader.pid).toBe(39)
  // Another process has the supervisor's pid by now.
  expect(personsTerminal(processes, of(20), { pid: 10, startTicks: 7 })?.leader.pid).toBe(19)
})
