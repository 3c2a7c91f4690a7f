import { expect, test } from 'vitest'
import { Insistence } from '../../../src/usecases/insistence.ts'

const file = '/k'

function begin() {
  const clock = { at: 1_000_000, now: () => ({ bootMs: clock.at, wallMs: clock.at }) }
  return { clock, insistence: new Insistence(clock) }
}

test('a few writes are no insistence, and a minute later they are forgotten', () => {
  const { clock, insistence } = begin()
  expect([1, 2, 3, 4].map(() => insistence.heard(file))).toEqual(['first', 'again', 'again', 'again'])
  expect(insistence.isPutOff(file)).toBe(false)
  clock.at += 61_000
  expect(insistence.heard(file)).toBe('first')
  expect(insistence.nextMs()).toBeUndefined()
})

test('a program that insists is answered later and later, five minutes at most, and said of once', () => {
  const { clock, insistence } = begin()
  for (let time = 0; time < 4; time += 1) insistence.heard(file)
  expect(insistence.heard(file)).toBe('insists')
  expect(insistence.insisting()).toEqual([file])
  const pauses: number[] = []
  for (let time = 0; time < 10; time += 1) {
    expect(insistence.isPutOff(file)).toBe(true)
    const next = insistence.nextMs() as number
    pauses.push(next - clock.at)
    clock.at = next
    expect(insistence.isPutOff(file)).toBe(false)
    expect(insistence.due()).toEqual([file])
    expect(insistence.due()).toEqual([])
    expect(insistence.heard(file)).toBe('again')
  }
  expect(pauses.slice(0, 4)).toEqual([2_000, 4_000, 8_000, 16_000])
  expect(Math.max(...pauses)).toBe(300_000)
})

test('once it is quiet for a quarter of an hour nothing is said of it any more', () => {
  const { clock, insistence } = begin()
  for (let time = 0; time < 5; time += 1) insistence.heard(file)
  clock.at += 16 * 60_000
  expect(insistence.insisting()).toEqual([])
  expect(insistence.heard(file)).toBe('first')
})

test('what can’t be done is tried again, but not for ever', () => {
  const { clock, insistence } = begin()
  let tries = 0
  insistence.putOff(file)
  for (let next = insistence.nextMs(); next !== undefined; next = insistence.nextMs()) {
    clock.at = next
    expect(insistence.due()).toEqual([file])
    tries += 1
    insistence.putOff(file)
  }
  expect(tries).toBe(7)
})
