import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { lstatSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { clearLeftBehind, temporaryName } from '../../../../src/platform/kubeconfig/clear-left-behind.ts'
import { ownOwner } from '../../../../src/platform/kubeconfig/file-owner.ts'
import { lockText, withKubectlLocks } from '../../../../src/platform/kubeconfig/kubectl-lock.ts'
import { readKubeconfig } from '../../../../src/platform/kubeconfig/read-kubeconfig.ts'
import type { Snapshot } from '../../../../src/platform/kubeconfig/read-kubeconfig.ts'
import { replaceKubeconfig } from '../../../../src/platform/kubeconfig/replace-kubeconfig.ts'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubeguard-kubeconfig-'))
  path = join(folder, 'config')
  writeFileSync(path, 'old: 1\n', { mode: 0o600 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function snapshotOf(name: string): Promise<Snapshot> {
  const snapshot = await readKubeconfig(name)
  if (snapshot === undefined) throw new Error('there is no file')
  return snapshot
}

/** An owner that can't be alive: the largest pid is below this (proc(5), pid_max). */
const deadOwner = ownOwner().replace(/^\d+/, '99999999')

test('replaced whole, mode kept, nothing left beside it', async () => {
  chmodSync(path, 0o640)
  expect(await replaceKubeconfig(await snapshotOf(path), 'new: 1\n')).toBe(true)
  expect(readFileSync(path, 'utf8')).toBe('new: 1\n')
  expect(statSync(path).mode & 0o777).toBe(0o640)
  expect(readdirSync(folder)).toEqual(['config'])
})

test('a file that changed meanwhile stays as it is, even when size and times look the same', async () => {
  const snapshot = await snapshotOf(path)
  const { atime, mtime } = statSync(path)
  writeFileSync(path, 'old: 2\n')
  utimesSync(path, atime, mtime)
  expect(await replaceKubeconfig(snapshot, 'new: 1\n')).toBe(false)
  rmSync(path)
  expect(await replaceKubeconfig(snapshot, 'new: 1\n').catch(() => false)).toBe(false)
  expect(readdirSync(folder)).toEqual([])
})

test('through a symlink: the target is replaced, under both names’ locks', async () => {
  mkdirSync(join(folder, 'links'))
  const link = join(folder, 'links', 'link')
  symlinkSync('../config', link)
  const snapshot = await snapshotOf(link)
  for (const lock of [`${link}.lock`, `${path}.lock`]) {
    writeFileSync(lock, '')
    const waiting = replaceKubeconfig(snapshot, 'new: 1\n')
    await delay(40)
    expect(readFileSync(path, 'utf8')).toBe('old: 1\n')
    writeFileSync(path, 'old: 1\n')
    rmSync(lock)
    expect(await waiting).toBe(false)
  }
  expect(await replaceKubeconfig(await snapshotOf(link), 'new: 1\n')).toBe(true)
  expect(lstatSync(link).isSymbolicLink()).toBe(true)
  expect(readFileSync(path, 'utf8')).toBe('new: 1\n')
  expect(readdirSync(folder).toSorted()).toEqual(['config', 'links'])
})

test('kubectl’s lock is waited for, and never removed', async () => {
  writeFileSync(`${path}.lock`, '')
  chmodSync(`${path}.lock`, 0)
  const waiting = replaceKubeconfig(await snapshotOf(path), 'new: 1\n')
  await expect(waiting).rejects.toMatchObject({
    code: 'kubeconfig-busy',
    cure: expect.stringContaining(`${path}.lock`),
  })
  expect(existsSync(`${path}.lock`)).toBe(true)
  expect(readFileSync(path, 'utf8')).toBe('old: 1\n')
})

test('a dead process of ours leaves no lock and no temporary file for long', async () => {
  writeFileSync(`${path}.lock`, lockText(deadOwner))
  const left = temporaryName(path, 'new', '01234567').replace(ownOwner(), deadOwner)
  const alive = temporaryName(path, 'new', '01234567')
  const foreign = join(folder, '.config.kubeguard-notes')
  for (const name of [left, alive, foreign]) writeFileSync(name, 'x')
  clearLeftBehind(path)
  expect(
    readdirSync(folder)
      .map((name) => join(folder, name))
      .toSorted(),
  ).toEqual([alive, foreign, path].toSorted())
})

test('a living process’s lock is left alone', async () => {
  writeFileSync(`${path}.lock`, lockText(ownOwner()))
  clearLeftBehind(path)
  expect(existsSync(`${path}.lock`)).toBe(true)
})

test('another boot’s or container’s lock is cleared only when it is old', () => {
  writeFileSync(`${path}.lock`, lockText(ownOwner().replace(/[0-9a-f]{8}$/, '00000000')))
  clearLeftBehind(path)
  expect(existsSync(`${path}.lock`)).toBe(true)
  const past = new Date(Date.now() - 3_600_000)
  utimesSync(`${path}.lock`, past, past)
  clearLeftBehind(path)
  expect(existsSync(`${path}.lock`)).toBe(false)
})

test('the lock is held for less than 5 ms', async () => {
  const heldMs: number[] = []
  const big = `old: ${'x'.repeat(900_000)}\n`
  for (let count = 0; count < 15; count += 1) {
    writeFileSync(path, big)
    const lock = { path: `${path}.lock`, owner: join(folder, 'owner') }
    writeFileSync(lock.owner, lockText(ownOwner()))
    const snapshot = await snapshotOf(path)
    const born = await withKubectlLocks([lock], () => {
      const from = performance.now()
      const now = readFileSync(path)
      expect(now.equals(snapshot.bytes)).toBe(true)
      return from
    })
    heldMs.push(performance.now() - born)
  }
  expect(heldMs.toSorted((a, b) => a - b)[7]).toBeLessThan(5)
})

test('a hard link is noticed', async () => {
  linkSync(path, join(folder, 'other'))
  expect((await snapshotOf(path)).names).toBe(2)
})
