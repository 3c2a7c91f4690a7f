import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createTraces } from '../../../src/platform/traces.ts'

test('what a killed writer has left goes with its trace, and no other’s', () => {
  const root = mkdtempSync(join(tmpdir(), 'kg-traces-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const folder = join(root, 'traces')
  mkdirSync(folder, { mode: 0o700 })
  const id = 'default~0123456789abcdef'
  const other = '.default~fedcba9876543210.json.00ff.tmp'
  const traces = createTraces(folder)
  traces.begin(id, { places: [], onLock: [] })
  writeFileSync(join(folder, `.${id}.json.a76c67a5acd1.tmp`), '')
  writeFileSync(join(folder, other), '')
  traces.drop(id)
  expect(readdirSync(folder)).toEqual([other])
})
