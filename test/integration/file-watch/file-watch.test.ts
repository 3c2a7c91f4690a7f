import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFileWatch } from '../../../src/platform/file-watch/create-file-watch.ts'
import { isOnNetwork } from '../../../src/platform/file-watch/network-filesystem.ts'
import { watchPoints } from '../../../src/platform/file-watch/watch-points.ts'
import type { FileWatch } from '../../../src/usecases/ports.ts'
import { until } from '../../fixtures/terminal.ts'

let root: string
let kube: string
let file: string
let told: string[]

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kubeguard-watch-'))
  kube = join(root, 'kube')
  mkdirSync(kube)
  file = join(kube, 'config')
  told = []
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** A watch that acts on what it hears, as the daemon does: looks, and says that it has. */
function begin(isDeaf: boolean): FileWatch {
  const watch = createFileWatch({ log: { warn: (message) => expect.fail(message) }, isDeaf: () => isDeaf })
  watch.onChange((path) => {
    told.push(path)
    watch.seen(path)
  })
  return watch
}

/** Does this once the last thing that was done has been told. */
async function heard(what: string, act: () => void): Promise<void> {
  const before = told.length
  act()
  await until(`word of ${what}`, () => told.length > before)
}

describe.each([
  ['by the kernel’s word', false],
  ['by looking again and again, as on a network', true],
])('%s', (_, isDeaf) => {
  test('a file is heard of that is written, replaced, removed and made anew, or whose folder is', async () => {
    const watch = begin(isDeaf)
    writeFileSync(file, 'a')
    await heard('a file that was there', () => watch.watch([file]))
    await heard('a write', () => writeFileSync(file, 'bb'))
    await heard('a replacement', () => {
      writeFileSync(join(kube, 'new'), 'ccc')
      renameSync(join(kube, 'new'), file)
    })
    await heard('a write after it', () => writeFileSync(file, 'dddd'))
    await heard('another file in its place', () => {
      rmSync(file)
      writeFileSync(file, 'eeeee')
    })
    await heard('another folder in its place', () => {
      renameSync(kube, join(root, 'old'))
      mkdirSync(kube)
      writeFileSync(file, 'ffffff')
    })
    await heard('a write there', () => writeFileSync(file, 'ggggggg'))
    watch.watch([])
  })

  test('a symlink is followed, and one that is swapped is heard of', async () => {
    const watch = begin(isDeaf)
    const [first, second] = [join(root, 'first'), join(root, 'second')]
    writeFileSync(first, 'a')
    writeFileSync(second, 'bb')
    symlinkSync(first, file)
    await heard('the file behind it', () => watch.watch([file]))
    await heard('a write to the file behind it', () => writeFileSync(first, 'ccc'))
    await heard('a link to another file', () => {
      symlinkSync(second, join(kube, 'new'))
      renameSync(join(kube, 'new'), file)
    })
    await heard('a write to that one', () => writeFileSync(second, 'dddd'))
    watch.watch([])
  })

  test('a file is heard of that is made after its folder, which was not there', async () => {
    const watch = begin(isDeaf)
    const later = join(root, 'a', 'b', 'config')
    watch.watch([later])
    await heard('the file', () => {
      mkdirSync(join(root, 'a', 'b'), { recursive: true })
      writeFileSync(later, 'x')
    })
    watch.watch([])
  })
})

test('what was looked at is not told of again', async () => {
  const watch = begin(false)
  writeFileSync(file, 'a')
  await heard('the file', () => watch.watch([file]))
  writeFileSync(join(kube, 'noise'), 'x')
  await heard('a write', () => writeFileSync(file, 'bb'))
  await heard('another', () => writeFileSync(file, 'ccc'))
  expect(told).toEqual([file, file, file])
  watch.watch([])
})

test('links in circles and names that are missing are looked at where they stand', async () => {
  symlinkSync(join(kube, 'b'), join(kube, 'a'))
  symlinkSync(join(kube, 'a'), join(kube, 'b'))
  expect((await watchPoints(join(kube, 'a'))).length).toBeLessThan(50)
  expect((await watchPoints(join(root, 'no', 'such'))).at(-1)).toEqual({ folder: root, name: 'no' })
})

test('a local file system is not polled', () => {
  expect(isOnNetwork(root)).toBe(false)
  expect(isOnNetwork(join(root, 'none'))).toBe(false)
})
