import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { newTerminal } from '../../../src/screen/new-terminal.ts'
import { passphrase } from '../../fixtures/home.ts'
import { drawTerminal } from '../../picture/draw.ts'

const written = (text: string): Promise<ReturnType<typeof newTerminal>> => {
  const terminal = newTerminal({ cols: 40, rows: 6 })
  return new Promise((resolve) => terminal.write(text, () => resolve(terminal)))
}

/** What its text elements say, one a line. */
const textIn = (svg: string): string[] =>
  [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text)

test('draws runs of cells that look alike, each in its columns, and escapes what XML means', async () => {
  const svg = drawTerminal(
    await written('$ a <b> & c\r\n\r\n\x1b[1;32mgreen\x1b[0m plain'),
    'x & y',
    new Map([[2, '5 s']]),
  )
  expect(textIn(svg)).toEqual(['$ a &lt;b&gt; &amp; c', '5 s', 'green', 'plain'])
  expect(svg).toContain('<title>x &amp; y</title>')
  expect(svg).toMatch(/font-weight="bold" fill="#98c379">green</)
  expect(svg).toMatch(/textLength="42" [^>]*>green</)
  expect(svg).toMatch(/<svg [^>]* height="86"/)
})

test('docs/lock.svg shows a lock, and no passphrase', () => {
  const svg = readFileSync(new URL('../../../docs/lock.svg', import.meta.url), 'utf8')
  const text = textIn(svg).join('\n')
  expect(text).toMatch(/kubectl exec -it web-0 -- sh\n/)
  expect(text).toMatch(/prod is locked since \d\d:\d\d \(idle too long\), and kubectl exec web-0/)
  expect(text).toMatch(/passphrase for prod:/)
  expect(text).not.toContain(passphrase)
})
