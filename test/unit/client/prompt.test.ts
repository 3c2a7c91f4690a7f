import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readPassphraseFrom } from '../../../src/client/prompt-from-fd.ts'
import { normalizePassphrase } from '../../../src/client/prompt-normalize.ts'

function fdWith(content: string | Buffer): number {
  const folder = mkdtempSync(join(tmpdir(), 'kg-fd-'))
  writeFileSync(join(folder, 'feed'), content)
  const fd = openSync(join(folder, 'feed'), 'r')
  onTestFinished(() => {
    closeSync(fd)
    rmSync(folder, { recursive: true })
  })
  return fd
}

test.each([
  ['secret\n', 'secret'],
  ['secret', 'secret'],
  ['secret\r\n', 'secret'],
  [' se cret \n', ' se cret '],
])('one line is read: %j', async (content, expected) => {
  expect((await readPassphraseFrom(fdWith(content))).toString()).toBe(expected)
})

test('the second line stays for the second question', async () => {
  const fd = fdWith('old one\nnew one\n')
  expect((await readPassphraseFrom(fd)).toString()).toBe('old one')
  expect((await readPassphraseFrom(fd)).toString()).toBe('new one')
})

test.each([
  ['nothing', ''],
  ['an empty line', '\nx'],
  ['too long', 'x'.repeat(1025)],
  ['not UTF-8', Buffer.from([0x61, 0xff, 0x0a])],
  ['a NUL', 'a\0b\n'],
])('%s is refused', async (_name, content) => {
  await expect(readPassphraseFrom(fdWith(content))).rejects.toMatchObject({ code: 'usage' })
})

test('a descriptor that is not open is refused', async () => {
  await expect(readPassphraseFrom(4321)).rejects.toThrowError('descriptor 4321 is not open')
})

test('both spellings of é are one passphrase, and what was given is erased', () => {
  const typed = Buffer.from('cafe\u0301')
  expect(normalizePassphrase(typed)).toEqual(Buffer.from('caf\u00e9'))
  expect(typed.every((byte) => byte === 0)).toBe(true)
})
