import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../../../src/platform/log/create-log.ts'
import { scratch } from '../scratch.ts'

type Line = Record<string, unknown>

const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')

function lines(file: string): Line[] {
  return textOf(file)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

test('one JSON object a line, with level, time and facts; for us alone', () => {
  const file = join(scratch(), 'daemon.log')
  const log = createLog({ file, level: 'warn' })
  log.info('not kept')
  log.warn('slow client', { pid: 7, msg: 'forged' })
  log.error('bad\nline\u001b[2J')
  const [first, second] = lines(file)
  expect(first).toMatchObject({ level: 'warn', msg: 'slow client', pid: 7, msg_: 'forged' })
  expect(Date.parse(String(first?.['time']))).toBeGreaterThan(0)
  expect(second).toMatchObject({ level: 'error', msg: 'bad line [2J' })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  log.close()
})

test('secrets are withheld, in facts and in text', () => {
  const file = join(scratch(), 'daemon.log')
  const log = createLog({ file, level: 'info' })
  log.info('header Bearer hunter2hunter2hunter2', {
    token: 'hunter2',
    passphrase: 'hunter2',
    said: 'token=hunter2',
  })
  expect(lines(file)).toHaveLength(1)
  expect(textOf(file)).not.toContain('hunter2')
  log.close()
})

test('a full file is put aside while writing; no line is lost, and few files stay', () => {
  const folder = scratch()
  const file = join(folder, 'daemon.log')
  const log = createLog({ file, level: 'info', rotation: { mostBytes: 4_000, files: 3 } })
  const all = () => [`${file}.2`, `${file}.1`, file].map(textOf).join('')
  for (let count = 1; count <= 200; count += 1) {
    log.info('line', { count })
  }
  expect(readdirSync(folder).toSorted()).toEqual(['daemon.log', 'daemon.log.1', 'daemon.log.2'])
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThan(5_000)
  const counts = all()
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { count: number }).count)
  expect(counts).toEqual(counts.map((_, index) => (counts[0] ?? 0) + index))
  log.close()
})

test('a file that is too large already is put aside at once', () => {
  const file = join(scratch(), 'daemon.log')
  writeFileSync(file, 'x'.repeat(5_000))
  const log = createLog({ file, level: 'info', rotation: { mostBytes: 4_000, files: 3 } })
  log.info('new')
  expect(lines(file)).toHaveLength(1)
  expect(statSync(`${file}.1`).size).toBe(5_000)
  log.close()
})

test.each([
  ['a missing folder', (folder: string) => join(folder, 'missing', 'daemon.log')],
  [
    'a folder in its place',
    (folder: string) => {
      mkdirSync(join(folder, 'daemon.log'))
      return join(folder, 'daemon.log')
    },
  ],
])('%s: nothing is kept, nothing is thrown', (_, place) => {
  const log = createLog({ file: place(scratch()), level: 'info', rotation: { mostBytes: 500, files: 2 } })
  for (let count = 0; count < 50; count += 1) log.info('line', { count })
  expect(() => log.error('still')).not.toThrow()
  expect(() => log.close()).not.toThrow()
})

test('what was written last is there at once, for whoever ends next', () => {
  const file = join(scratch(), 'daemon.log')
  writeFileSync(file, '')
  const log = createLog({ file, level: 'info' })
  log.info('last words')
  log.close()
  expect(lines(file)).toMatchObject([{ msg: 'last words' }])
})
