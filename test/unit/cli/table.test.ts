import { expect, it } from 'vitest'
import { table, width } from '../../../src/cli/table.ts'

const head = ['id', 'context', 'command']
const rows = [
  ['1', 'arn:aws:eks:eu-central-1:123456789012:cluster/production', 'kubectl port-forward pod/web-0 :8080'],
  ['22222', 'dev', '日本語日本語日本語日本語日本語日本語日本語日本語'],
]
const mayShrink = ['context', 'command']

it.each([40, 60, 80])('fits %i columns, the widest cells cut', (columns) => {
  const lines = table(head, rows, { columns, mayShrink })
  for (const line of lines) expect(width(line)).toBeLessThanOrEqual(columns)
  expect(lines[1]).toMatch(/^1 {6}arn.*…/)
  expect(lines[2]).toContain('22222  dev')
})

it('cuts nothing where it fits, and no column that may not shrink', () => {
  expect(table(head, rows, { columns: 200, mayShrink })).toEqual(table(head, rows))
  expect(table(head, rows, { columns: 10, mayShrink: ['command'] })[1]).toContain(rows[0]?.[1])
})
