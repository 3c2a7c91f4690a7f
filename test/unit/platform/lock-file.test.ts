import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { acquireDaemonLock, readLockFile } from '../../../src/platform/lock-file.ts'
import { scratch } from './scratch.ts'

const unsafe = expect.objectContaining({ code: 'place-unsafe' })

test('one holder at a time; its socket is read by clients', () => {
  const path = join(scratch(), 'daemon.lock')
  expect(readLockFile(path)).toBeUndefined()
  const lock = acquireDaemonLock(path)
  expect(acquireDaemonLock(path)).toBeUndefined()
  expect(readLockFile(path)).toBeUndefined()
  lock?.publish('/run/a-long-name.sock')
  lock?.publish('/run/d.sock')
  expect(readFileSync(path, 'utf8')).toBe('/run/d.sock\n')
  expect(readLockFile(path)).toBe('/run/d.sock')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(acquireDaemonLock(path)).toBeUndefined()
  lock?.release()
  expect(readLockFile(path)).toBeUndefined()
  expect(existsSync(path)).toBe(true)
  acquireDaemonLock(path)?.release()
})

test('what a dead holder left is emptied by the next one', () => {
  const path = join(scratch(), 'daemon.lock')
  writeFileSync(path, '/old.sock\n', { mode: 0o600 })
  const lock = acquireDaemonLock(path)
  expect(readLockFile(path)).toBeUndefined()
  lock?.release()
})

test('half a path is none yet', () => {
  const path = join(scratch(), 'daemon.lock')
  writeFileSync(path, '/run/half', { mode: 0o600 })
  expect(readLockFile(path)).toBeUndefined()
})

test.each(['relative.sock\n', '/with\0nul\n', '\n'])('%j names no socket', (text) => {
  const path = join(scratch(), 'daemon.lock')
  writeFileSync(path, text, { mode: 0o600 })
  expect(() => readLockFile(path)).toThrow(unsafe)
})

test('a link, and a file that others may read or write, are refused', () => {
  const folder = scratch()
  const path = join(folder, 'daemon.lock')
  writeFileSync(path, '/run/d.sock\n')
  chmodSync(path, 0o644)
  symlinkSync(path, join(folder, 'link'))
  for (const name of [path, join(folder, 'link')]) {
    expect(() => readLockFile(name)).toThrow(unsafe)
    expect(() => acquireDaemonLock(name)).toThrow(unsafe)
  }
})
