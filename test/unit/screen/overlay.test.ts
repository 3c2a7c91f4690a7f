import fc from 'fast-check'
import { expect, test } from 'vitest'
import { overlayOn } from '../../../src/screen/overlay.ts'
import { restoreScreen } from '../../../src/screen/restore-screen.ts'
import { smallTerminal, output, seen, size, write } from './screens.ts'

const text = 'kubeguard: default locks at 14:03:20 unless you type'

/** A screen of which all was written by the program. */
async function scrolledTerminal(): Promise<Terminal> {
  const terminal = smallTerminal()
  await write(terminal, '\r\n'.repeat(size.rows))
  return terminal
}

test('what is drawn is the line alone, and what takes it away leaves all as it was, also for what comes', async () => {
  let drawn = 0
  await fc.assert(
    fc.asyncProperty(output, output, async (before, after) => {
      const [one, other] = [await scrolledTerminal(), await scrolledTerminal()]
      await write(one, before)
      await write(other, before)
      const overlay = overlayOn(one, text)
      if (overlay === undefined) return
      drawn += 1
      const [was, looked] = [restoreScreen(one), rowsOf(one)]
      await write(one, overlay.over)
      expect(rowsOf(one)).toEqual([...looked.slice(0, -1), text.slice(0, size.cols)])
      expect(cursorOf(one)).toEqual(cursorOf(other))
      await write(one, overlay.back)
      expect(restoreScreen(one)).toBe(was)
      await write(one, after)
      await write(other, after)
      expect(seen(one)).toEqual(seen(other))
    }),
    { numRuns: 200, seed: 7 },
  )
  expect(drawn).toBeGreaterThan(150)
})

type Terminal = ReturnType<typeof smallTerminal>

const rowsOf = ({ buffer: { active } }: Terminal): (string | undefined)[] =>
  Array.from({ length: size.rows }, (_, row) => active.getLine(active.baseY + row)?.translateToString(true))

/** Where it is seen: behind the last column is in it. */
const cursorOf = ({ buffer: { active }, cols }: Terminal): number[] => [
  Math.min(active.cursorX, cols - 1),
  active.cursorY,
]

test('a short text fills the line, and nothing of a text is obeyed', async () => {
  const terminal = await scrolledTerminal()
  await write(terminal, overlayOn(terminal, 'a\x1b[Hé')?.over ?? '')
  const last = terminal.buffer.active.getLine(terminal.buffer.active.baseY + size.rows - 1)
  expect(last?.translateToString(true)).toBe('a?[H?'.padEnd(size.cols))
  expect(last?.getCell(size.cols - 1)?.isInverse()).not.toBe(0)
})

test.each([
  ['a picture, which is one cell wide or two', 'x \u{1f600}'],
  ['a link on that line', '\x1b[6H\x1b]8;;https://example.test\x07link\x1b]8;;\x07'],
  ['a link that goes on', '\x1b]8;;https://example.test\x07link'],
])('nothing is drawn over what can’t be put back for sure: %s', async (_, before) => {
  const terminal = await scrolledTerminal()
  await write(terminal, before)
  expect(overlayOn(terminal, text)).toBeUndefined()
})

test('nor over a main screen that a person had before, until it has scrolled', async () => {
  const terminal = smallTerminal()
  await write(terminal, 'a prompt> ')
  expect(overlayOn(terminal, text)).toBeUndefined()
  await write(terminal, '\x1b[?1049h\x1b[Hits own screen')
  expect(overlayOn(terminal, text)).toBeDefined()
  await write(terminal, '\x1b[?1049l')
  expect(overlayOn(terminal, text)).toBeUndefined()
  await write(terminal, '\r\n'.repeat(size.rows))
  expect(overlayOn(terminal, text)).toBeDefined()
})
