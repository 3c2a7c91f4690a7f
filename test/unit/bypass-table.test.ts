import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { clusterMatrix, matrix } from '../bypass/matrix.ts'

const beforeUnlock = { works: 'works', never: 'fails too', own: 'within the case' } as const

const all = { ...matrix, ...clusterMatrix }

/** The table of docs/security.md, as the cases have it. */
function table(): string {
  const rows = Object.entries(all).flatMap(([group, cases]) =>
    cases.map(({ name, whileUnlocked }) => `| ${group} | ${name} | ${beforeUnlock[whileUnlocked]} |`),
  )
  return ['| kind | way around | the same while unlocked |', '| --- | --- | --- |', ...rows].join('\n')
}

test('docs/security.md lists every case of the bypass matrix, and their number', () => {
  const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8')
  const listed = /<!-- bypass -->\n([\s\S]*?)\n<!-- \/bypass -->/.exec(page)?.[1]
  const count = Object.values(all).flat().length
  expect(listed).toBe(`0 of ${count} got through\n\n${table()}`)
})
