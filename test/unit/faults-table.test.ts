import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { damaged } from '../faults/damage.ts'
import { operations } from '../faults/matrix.ts'
import { damageHead, head, markers } from '../faults/table.ts'

test('docs/reliability.md has a row for each program of each operation, and each kind of damage', () => {
  const page = readFileSync(new URL('../../docs/reliability.md', import.meta.url), 'utf8')
  const [said = '', ...lines] = (markers.exec(page)?.[0] ?? '').split('\n').slice(1, -1)
  expect(said).toMatch(/^\d+ of \d+ faults tried, in \d+ minutes \(seed \d+\): 0 left anything but/)
  const rows = Object.entries(operations).flatMap(([operation, { programs }]) =>
    programs.map((program) => `| ${operation} | ${program} |`),
  )
  const names = (text: string, columns: number): string =>
    text
      .split('|')
      .slice(0, columns + 1)
      .join('|')
      .concat('|')
  const [first, second, ...tables] = lines.filter((line) => line.startsWith('|'))
  expect(`${first}\n${second}`).toBe(head)
  expect(tables.slice(0, rows.length).map((line) => names(line, 2))).toEqual(rows)
  const [damageFirst, damageSecond, ...damages] = tables.slice(rows.length)
  expect(`${damageFirst}\n${damageSecond}`).toBe(damageHead)
  expect(damages.map((line) => names(line, 1))).toEqual(damaged.map((kind) => `| ${kind} |`))
})
