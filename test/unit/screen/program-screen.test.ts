import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProgramScreen } from '../../../src/screen/program-screen.ts'
import { output, size } from './screens.ts'

/** In pieces of which none is long enough to be a flood. */
const pieceBytes = 32 * 1024

async function write(screen: ProgramScreen, text: string, inPieces: boolean): Promise<void> {
  const bytes = Buffer.from(text)
  const step = inPieces ? pieceBytes : bytes.length
  for (let at = 0; at < bytes.length; at += step)
    await screen.take({ kind: 'output', bytes: bytes.subarray(at, at + step) })
}

async function drawnOf(texts: readonly string[], inPieces: boolean): Promise<string> {
  const screen = new ProgramScreen()
  await screen.take({ kind: 'size', ...size })
  for (const [at, text] of texts.entries()) {
    await write(screen, text, inPieces)
    if (at === 0) await screen.take({ kind: 'cover' })
  }
  return screen.draw()
}

/** Some thousand lines, numbered. */
function floodOf(lines: readonly string[], count: number): string {
  return Array.from({ length: count }, (_, at) => `${at} ${lines[at % lines.length]}`).join('\r\n')
}

const plain = fc.constantFrom(
  '',
  'a',
  'words\tand a tab',
  'é漢🚀',
  'x'.repeat(45),
  'short\rover',
  'down\nthere',
)
const flood = fc
  .tuple(fc.array(plain, { minLength: 1, maxLength: 5 }), fc.integer({ min: 900, max: 12_000 }))
  .map(([lines, count]) => floodOf(lines, count))

test('a flood leaves what it would leave if each of its lines were drawn', { timeout: 120_000 }, async () => {
  const leavesTheSame = async (before: string, flooded: string, after: string): Promise<void> => {
    const texts = [before, before + flooded + after]
    expect(await drawnOf(texts, false)).toBe(await drawnOf(texts, true))
  }
  await fc.assert(fc.asyncProperty(output, flood, output, leavesTheSame), { numRuns: 40, seed: 11 })
})

const lines = floodOf(['some words'], 12_000)

test.each([
  ['a region', `\x1b[2;4r\x1b[6H${lines}`],
  ['lines that are moved right', `\x1b[4h${lines}`],
  ['within a title', `before\x1b]2;${lines}\x07after`],
  ['within a string that nobody knows', `before\x1bP${lines}\x1b\\after`],
  ['C1 controls in UTF-8 between lines', `${lines}\r\n\u009b3A${lines}`],
  ['another screen', `main\x1b[?1049h\x1b[44m${lines}\x1b[?1049l`],
  ['a cursor that was saved', `\x1b[3;5H\x1b7${lines}\x1b8here`],
])('also with %s', async (_, text) => {
  expect(await drawnOf(['', text], false)).toBe(await drawnOf(['', text], true))
})

test('and is not drawn line by line', async () => {
  const { scrolledOut, nextPlain } = await import('../../../src/screen/skip-scrolled-out.ts')
  const bytes = Buffer.from(`\x1b[1mbold\x1b[0m${lines}\x1b[K`)
  const part = nextPlain(bytes, 0)
  const out = part === undefined ? undefined : scrolledOut(bytes, part, 100)
  expect(bytes.subarray(out?.begin, (out?.begin ?? 0) + 2).toString()).toBe('1 ')
  expect(bytes.subarray(out?.end).toString().split('\r\n')).toHaveLength(101)
})
