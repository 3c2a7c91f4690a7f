import { expect, test } from 'vitest'
import { Passes } from '../../../src/gateway/passes.ts'
import { passDigest } from '../../../src/platform/gateways/pass-digest.ts'

const client = { pid: 7, startTicks: 70 }

function make(): { passes: Passes; now: { ms: number } } {
  const now = { ms: 1_000_000 }
  const passes = new Passes(() => now.ms)
  passes.add(passDigest('mine'), { credential: 'prod.a', program: 'tests', client, untilWallMs: 1_060_000 })
  return { passes, now }
}

test('a pass is found as a bearer token, whole, and until its end', () => {
  const { passes, now } = make()
  expect(passes.find('Bearer mine')?.credential).toBe('prod.a')
  expect(passes.find('bearer  mine')?.client).toEqual(client)
  for (const other of [
    undefined,
    '',
    'mine',
    'Bearer',
    'Bearer min',
    'Bearer mine x',
    'Basic mine',
    passDigest('mine'),
  ])
    expect(passes.find(other)).toBeUndefined()
  expect(passes.find(`Bearer ${passDigest('mine')}`)).toBeUndefined()
  now.ms = 1_064_999
  expect(passes.find('Bearer mine')).toBeDefined()
  now.ms = 1_065_000
  expect(passes.find('Bearer mine')).toBeUndefined()
})

test('those of whom nobody speaks any more are taken back', () => {
  const { passes } = make()
  passes.keep(({ client: { pid } }) => pid !== 7)
  expect(passes.find('Bearer mine')).toBeUndefined()
})

test('however many are made, only so many are kept', () => {
  const { passes } = make()
  for (let at = 0; at < 4_096; at += 1)
    passes.add(passDigest(String(at)), {
      credential: 'prod.a',
      program: 'tests',
      client,
      untilWallMs: 2_000_000,
    })
  expect(passes.find('Bearer mine')).toBeUndefined()
  expect(passes.find('Bearer 4095')).toBeDefined()
})
