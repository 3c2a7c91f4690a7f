import { chmodSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { GuardError } from '../../../src/domain/errors.ts'
import { checkPlace, checkSocket, ensurePlace } from '../../../src/platform/safe-place.ts'
import { scratch } from './scratch.ts'

const isRoot = process.getuid?.() === 0

/** Somebody else's: as root a folder that was given away, otherwise one of root's. */
function foreignFolder(): string {
  if (!isRoot) return '/etc'
  const path = join(scratch(), 'foreign')
  mkdirSync(path, 0o700)
  lchownSync(path, 54_321, 54_321)
  return path
}

function refusal(act: () => void): GuardError {
  try {
    act()
  } catch (error) {
    return error as GuardError
  }
  throw new Error('was not refused')
}

test('a folder of ours is taken, also one that we link to', () => {
  const root = scratch()
  ensurePlace(join(root, 'a/b/c'), 'private', 0o700)
  symlinkSync(join(root, 'a/b/c'), join(root, 'link'))
  expect(() => checkPlace(join(root, 'link'), 'private')).not.toThrow()
})

test('a folder that is open to others is refused with the cure', () => {
  const path = join(scratch(), 'open')
  mkdirSync(path)
  chmodSync(path, 0o755)
  checkPlace(path, 'others-may-read')
  expect(refusal(() => checkPlace(path, 'private'))).toMatchObject({
    code: 'place-unsafe',
    message: `${path} is open to other users`,
    cure: `run: chmod 700 ${path}`,
  })
  chmodSync(path, 0o775)
  expect(refusal(() => checkPlace(path, 'others-may-read')).cure).toBe(`run: chmod go-w ${path}`)
})

test('somebody else’s folder is refused', () => {
  const path = foreignFolder()
  expect(refusal(() => checkPlace(path, 'others-may-read')).message).toMatch(
    /belongs to user \d+, not to you/,
  )
})

test('a folder in a place that anyone may rename is refused; a sticky one is not', () => {
  const parent = join(scratch(), 'parent')
  const path = join(parent, 'ours')
  mkdirSync(path, { recursive: true, mode: 0o700 })
  chmodSync(parent, 0o777)
  expect(refusal(() => checkPlace(path, 'private')).message).toBe(`${parent} can be written by every user`)
  chmodSync(parent, 0o1777)
  checkPlace(path, 'private')
})

test('a folder below somebody else’s is refused', () => {
  const parent = foreignFolder()
  const path = isRoot ? join(parent, 'ours') : '/proc/self'
  if (isRoot) mkdirSync(path, 0o700)
  expect(refusal(() => checkPlace(path, 'private')).code).toBe('place-unsafe')
})

test('a link that somebody else planted is refused', () => {
  const root = scratch()
  const own = join(root, 'own')
  mkdirSync(own, 0o700)
  const link = isRoot ? join(root, 'link') : '/proc/self'
  if (isRoot) {
    symlinkSync(own, link)
    lchownSync(link, 54_321, 54_321)
  }
  expect(refusal(() => checkPlace(link, 'private')).code).toBe('place-unsafe')
  if (isRoot)
    expect(refusal(() => ensurePlace(link, 'private', 0o700)).message).toContain(
      'is a link made by user 54321',
    )
})

test('a file where a folder should be, and a file where a socket should be', () => {
  const path = join(scratch(), 'file')
  writeFileSync(path, '')
  expect(refusal(() => ensurePlace(path, 'private', 0o700)).message).toBe(`${path} is not a folder`)
  expect(refusal(() => checkSocket(path)).message).toBe(`${path} is not a socket`)
})
