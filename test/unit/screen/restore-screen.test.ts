import type { Terminal } from '@xterm/headless'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { restoreScreen } from '../../../src/screen/restore-screen.ts'
import { smallTerminal, output, seen, size, write } from './screens.ts'

async function looksTheSame(before: string, after: string): Promise<void> {
  const [one, other] = [smallTerminal(), smallTerminal()]
  await write(one, before)
  await write(other, restoreScreen(one))
  expect(seen(other)).toEqual(seen(one))
  await write(one, after)
  await write(other, after)
  expect(seen(other)).toEqual(seen(one))
}

test('a terminal that is given it looks the same, and goes on the same', async () => {
  await fc.assert(fc.asyncProperty(output, output, looksTheSame), { numRuns: 200, seed: 7 })
})

test.each([
  ['what was saved on a screen that had scrolled', '\r\n'.repeat(15) + '\x1b[3;4H\x1b7\x1b[H', '\x1b8x'],
  ['letters that are saved, and lines that are chosen', '\x1b)0\x0e\x1b8', 'qqq\x0fqqq\x0eqqq'],
  ['a cursor behind the last column of an erased line', `\x1b[2;1H${'x'.repeat(20)}\x1b[44m\x1b[2J`, 'y'],
  ['an alternate screen that took a colour along', '\x1b[44m\x1b[?1049h\x1b[0m\x1b[K', 'x'],
  ['a region on each screen', '\x1b[3;4r\x1b[?1049h', '\x1b[6H\n\x1b[?1049l\x1b[4Ha\n\nb'],
])('so are %s', (_, before, after) => looksTheSame(before, after))

test('a picture is two cells wide', async () => {
  const { ProgramScreen } = await import('../../../src/screen/program-screen.ts')
  const screen = new ProgramScreen()
  await screen.take({ kind: 'size', ...size })
  // Erased from the third column on: what is drawn depends on where that is.
  await screen.take({ kind: 'output', bytes: Buffer.from('🚀xyz\x1b[1;4H\x1b[K') })
  const other = smallTerminal()
  await write(other, screen.draw())
  expect(other.buffer.active.getLine(0)?.translateToString(true)).toBe('🚀x')
  expect(other.buffer.active.cursorX).toBe(3)
})

test('what has scrolled out is drawn first', async () => {
  const [one, other] = [smallTerminal(), smallTerminal()]
  const lines = Array.from({ length: 12 }, (_, at) => `line ${at}`)
  await write(one, `${lines.join('\r\n')}\r\n\x1b[41mlong ${'x'.repeat(30)}\x1b[0m`)
  await write(other, restoreScreen(one, 9))
  const all = ({ buffer: { normal } }: Terminal): string[] =>
    Array.from({ length: normal.length }, (_, row) => normal.getLine(row)?.translateToString(true) ?? '')
  expect(all(other)).toEqual(all(one))
})

test('a program can end no terminal by erasing in its last corner', async () => {
  const { ProgramScreen } = await import('../../../src/screen/program-screen.ts')
  const screen = new ProgramScreen()
  await screen.take({ kind: 'size', ...size })
  await screen.take({ kind: 'output', bytes: Buffer.from('gone\x1b[6;20Hx\x1b[1Jstays') })
  expect(screen.draw()).not.toContain('gone')
})
