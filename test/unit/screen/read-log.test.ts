import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { LogReader } from '../../../src/screen/read-log.ts'

function logOf(bytes: Buffer): LogReader {
  const folder = mkdtempSync(join(tmpdir(), 'kg-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'log'), bytes)
  return new LogReader(openSync(join(folder, 'log'), 'r'))
}

function record(kind: number, value: number, bytes = ''): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(kind)
  head.writeUInt32LE(value, 4)
  return Buffer.concat([head, Buffer.from(bytes)])
}

const output = (text: string): Buffer => record(0, text.length, text)

test('a log is read in order, and as far as it goes', () => {
  const first = Buffer.concat([record(1, (100 << 16) | 30), output('one'), output('two'), record(2, 0)])
  const log = logOf(Buffer.concat([first, output('three')]))
  expect([...log.upTo(first.length)]).toEqual([
    { kind: 'size', cols: 100, rows: 30 },
    { kind: 'output', bytes: Buffer.from('onetwo') },
    { kind: 'cover' },
  ])
  expect([...log.upTo(first.length + 13)]).toEqual([{ kind: 'output', bytes: Buffer.from('three') }])
})

test('what stands before its beginning is not read; who has read on goes on from there', () => {
  const before = Buffer.from('no record at all')
  const bytes = Buffer.concat([before, output('one')])
  const log = logOf(Buffer.concat([bytes, output('two')]))
  expect([...log.upTo(bytes.length, before.length)]).toEqual([{ kind: 'output', bytes: Buffer.from('one') }])
  const rest = [...log.upTo(bytes.length + 11, before.length + 3)]
  expect(rest).toEqual([{ kind: 'output', bytes: Buffer.from('two') }])
})

test('a megabyte of small pieces is whole', () => {
  const pieces = Array.from({ length: 150_000 }, (_, at) => `line ${at}\n`)
  const bytes = Buffer.concat(pieces.map(output))
  const read = [...logOf(bytes).upTo(bytes.length)].map((one) =>
    one.kind === 'output' ? one.bytes : Buffer.alloc(0),
  )
  expect(Buffer.concat(read).toString()).toBe(pieces.join(''))
  expect(read.length).toBeLessThan(10)
})

test.each([
  ['of another kind', record(9, 0), 8],
  ['that ends too early', output('one'), 20],
  ['that ends within a record', output('one'), 9],
])('one %s is refused', (_, bytes, end) => {
  expect(() => [...logOf(bytes).upTo(end)]).toThrow(/the log/)
})
