import { expect, test } from 'vitest'
import { differenceFrom } from '../../e2e/docs/shown.ts'

const page = ['default is locked since 14:03 (…)', '', 'pid  4711', '…', 'last']

test('numbers, widths and what is left out may differ', () => {
  expect(
    differenceFrom(page, 'default is locked since 9:41 (by you)\npid 7\nmore\nand more\nlast\n'),
  ).toBeUndefined()
})

test('words may not, nor what is missing or too much', () => {
  expect(differenceFrom(page, 'prod is locked since 9:41 (by you)\npid 7\nlast\n')).toBe(page[0])
  expect(differenceFrom(page, 'default is locked since 9:41 (by you)\npid 7\nmore\n')).toBe('last')
  expect(differenceFrom(['one'], 'one\ntwo\n')).toContain('two')
})
