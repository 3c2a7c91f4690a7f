import { expect, test } from 'vitest'
import { formatBytes } from '../../../src/cli/byte-count.ts'

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [1_234, '1.2 kB'],
  [99_949, '99.9 kB'],
  [999_400, '999 kB'],
  [999_500, '1.0 MB'],
  [104_000_000, '104 MB'],
  [9e15, '9000 TB'],
])('%d is %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})
