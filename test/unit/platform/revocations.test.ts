import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { noteRevocation, pendingRevocations } from '../../../src/platform/revocations.ts'
import { scratch } from './scratch.ts'

const pending = {
  policy: 'prod',
  server: 'https://127.0.0.1:6443',
  name: 'kubeguard-session.a.b.0123456789',
  sinceMs: 1_000,
  untilMs: 2_000,
}

test('is pending while somebody is at it, and is taken away by who is done', () => {
  const folder = join(scratch(), 'revocations')
  expect(pendingRevocations(folder, 0)).toEqual([])
  const done = noteRevocation(folder, pending)
  expect(pendingRevocations(folder, 1_500)).toEqual([{ ...pending, isTried: true }])
  // Late, but at it still.
  expect(pendingRevocations(folder, 3_000)).toEqual([{ ...pending, isTried: true }])
  done()
  expect(readdirSync(folder)).toEqual([])
})

test('one that nobody is at is said until its token is dead, and then forgotten', () => {
  const folder = scratch()
  noteRevocation(folder, pending)
  const path = join(folder, `${pending.name}.json`)
  const note = JSON.parse(readFileSync(path, 'utf8')) as object
  writeFileSync(path, JSON.stringify({ ...note, startTicks: 1 }))
  expect(pendingRevocations(folder, 1_500)).toEqual([{ ...pending, isTried: false }])
  expect(pendingRevocations(folder, 2_500)).toEqual([])
  expect(readdirSync(folder)).toEqual([])
})

test('what is no note is left out', () => {
  const folder = scratch()
  noteRevocation(folder, pending)
  writeFileSync(join(folder, `${pending.name}.json`), '{"version":1}')
  writeFileSync(join(folder, 'other'), '')
  expect(pendingRevocations(folder, 0)).toEqual([])
})
