import { expect, it } from 'vitest'
import type { Ancestor } from '../../../src/domain/holder.ts'
import { Served } from '../../../src/keeper/served.ts'

const process = (pid: number, program: string): Ancestor => ({
  pid,
  startTicks: 1,
  program,
  hasTerminal: true,
})
/** Two clients of one make, and one of somebody else's. */
const families: Readonly<Record<number, readonly Ancestor[]>> = {
  11: [process(11, 'kubeguard-credential'), process(10, 'helm'), process(2, 'make')],
  21: [process(21, 'kubeguard-credential'), process(20, 'kubectl'), process(2, 'make')],
  31: [process(31, 'kubeguard-credential'), process(30, 'helm'), process(3, 'fish')],
}
const made = () => new Served((pid) => families[pid] ?? [])
const served = (keeper: Served) => [11, 21, 31].filter((pid) => keeper.serves(pid))

it('serves everybody with a ticket until it is narrowed', () => {
  const keeper = made()
  expect(served(keeper)).toEqual([11, 21, 31])
  keeper.narrow(['2:1'], [])
  expect(served(keeper)).toEqual([11, 21])
})

it('is never widened: not by another order, not by one that can’t be read', () => {
  const keeper = made()
  keeper.narrow([], ['10:1'])
  expect(served(keeper)).toEqual([11])
  keeper.narrow(['2:1', '3:1'], ['10:1', '30:1'])
  expect(served(keeper)).toEqual([11])
  expect(() => keeper.narrow(['everybody'], ['10:1'])).toThrow('no process')
  expect(served(keeper)).toEqual([])
  keeper.narrow(['2:1'], ['10:1'])
  expect(served(keeper)).toEqual([])
})

it('serves no plugin that has no client, or a client with a pid used again', () => {
  const keeper = made()
  keeper.narrow(['2:2'], ['10:2'])
  expect(served(keeper)).toEqual([])
  keeper.narrow(['2:2'], [])
  expect(keeper.serves(99)).toBe(false)
})
