import fc from 'fast-check'
import { expect, test } from 'vitest'
import { unifiedDiff } from '../../../src/domain/line-diff.ts'

test('a change with three lines of context', () => {
  expect(unifiedDiff('f', '1\n2\n3\n4\n5\n6\n7\n8\n', '1\n2\n3\n4\nfive\n6\n7\n8\n')).toBe(
    '--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n',
  )
})

test('nothing differs', () => {
  expect(unifiedDiff('f', 'a\n', 'a\n')).toBe('')
})

test('applying a diff gives the new text', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), { maxLength: 40 })
  fc.assert(
    fc.property(lines, lines, (old, now) => {
      const text = (list: string[]): string => list.map((line) => `${line}\n`).join('')
      expect(apply(old, unifiedDiff('f', text(old), text(now)))).toEqual(now)
    }),
  )
})

function apply(old: readonly string[], diff: string): string[] {
  const result: string[] = []
  let at = 0
  for (const line of diff.split('\n').slice(2, -1)) {
    const hunk = /^@@ -(\d+),(\d+) /.exec(line)
    if (hunk === null) {
      if (line[0] === '+') result.push(line.slice(1))
      else if (line[0] === '-') at += 1
      else result.push(old[at++] as string)
      continue
    }
    const from = Number(hunk[1]) - (hunk[2] === '0' ? 0 : 1)
    result.push(...old.slice(at, from))
    at = from
  }
  return [...result, ...old.slice(at)]
}
