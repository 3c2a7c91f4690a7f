import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Fields } from '../../../src/protocol/fields.ts'
import { protocolHeader, protocolPage } from '../../../src/protocol/document.ts'
import { messages } from '../../../src/protocol/messages.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const written = (path: string): string => readFileSync(join(root, path), 'utf8')

test('native/protocol.h is what `npm run generate` writes', () => {
  expect(written('native/protocol.h')).toBe(protocolHeader())
})

test('docs/protocol.md is what `npm run generate` writes, and names every message', () => {
  const page = written('docs/protocol.md')
  expect(page).toBe(protocolPage())
  for (const name of Object.keys(messages)) expect(page).toContain(`\n### ${name}\n`)
})

test('ids and tags are used once, and leave room for the reply bit', () => {
  const all = Object.values(messages)
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
  for (const { id, request, reply } of all) {
    expect(id).toBeGreaterThan(0)
    expect(id).toBeLessThan(0x8000)
    for (const fields of [request, reply]) {
      const tags = Object.values(fields as Fields).map(({ tag }) => tag)
      expect(new Set(tags).size).toBe(tags.length)
      expect(tags.every((tag) => tag >= 1 && tag <= 255)).toBe(true)
    }
  }
})
