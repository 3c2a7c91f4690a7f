import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clean, cleanLines } from '../../../src/cli/clean-text.ts'
import { mayColour } from '../../../src/cli/output.ts'
import { table } from '../../../src/cli/table.ts'

const terminal = { isTTY: true } as const
const pipe = { isTTY: false } as const

test.each([
  ['a terminal', terminal, {}, true],
  ['a pipe', pipe, {}, false],
  ['a dumb terminal', terminal, { TERM: 'dumb' }, false],
  ['NO_COLOR', terminal, { NO_COLOR: '1' }, false],
  ['an empty NO_COLOR', terminal, { NO_COLOR: '' }, true],
  ['FORCE_COLOR in a pipe', pipe, { FORCE_COLOR: '1' }, true],
  ['FORCE_COLOR=0 on a terminal', terminal, { FORCE_COLOR: '0' }, false],
  ['NO_COLOR against FORCE_COLOR', pipe, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
] as const)('colour: %s', (_name, stream, environment, expected) => {
  expect(mayColour(stream, environment)).toBe(expected)
})

test('nothing that a terminal acts on is left in foreign text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(clean(text)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u)
      expect(cleanLines(text)).not.toMatch(/[^\P{Cc}\n\t]/u)
    }),
  )
  expect(clean('prod\u001b[2J\u202egnp\r\nx')).toBe('prod [2J gnp x')
})

test('columns are as wide as their widest cell, colours not counted, empty columns left out', () => {
  const lines = table(
    ['policy', 'state', 'notes'],
    [
      ['prod', '\u001b[31mlocked\u001b[39m', ''],
      ['a-longer-one', 'unlocked', ''],
    ],
  )
  expect(lines).toEqual([
    'policy        state',
    'prod          \u001b[31mlocked\u001b[39m',
    'a-longer-one  unlocked',
  ])
})
