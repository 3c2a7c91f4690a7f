import type { Terminal } from '@xterm/headless'

/** A terminal's text, as SVG: each run of cells that look alike is one element, held to its columns whatever the font. */

type Line = NonNullable<ReturnType<Terminal['buffer']['active']['getLine']>>
type Cell = NonNullable<ReturnType<Line['getCell']>>

interface Run {
  readonly column: number
  readonly style: string
  text: string
  width: number
}

const cell = { width: 8.4, height: 18 }
const margin = 16
/** For what stands beside a line. */
const gutter = 64

const colours = { ground: '#14161b', text: '#d8dbe2', beside: '#7d8596' }

/** The 16 colours of a terminal, dark first. */
const palette = [
  ['#3b4252', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#c8ccd4'],
  ['#7d8596', '#ef8a92', '#b1d89a', '#f0d399', '#8ac6f7', '#d99be8', '#7fd0da', '#ffffff'],
].flat()

/**
 * @param title for who cannot see it
 * @param beside what stands in the gutter, by row
 * @returns the whole document
 */
export function drawTerminal(
  terminal: Terminal,
  title: string,
  beside: ReadonlyMap<number, string> = new Map(),
): string {
  const lines = linesOf(terminal).map(runsOf)
  const columns = Math.max(1, ...lines.flat().map(({ column, width }) => column + width))
  const width = Math.ceil(gutter + columns * cell.width + 2 * margin)
  const height = lines.length * cell.height + 2 * margin
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${colours.ground}"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="${colours.text}" xml:space="preserve" style="white-space:pre">`,
    ...lines.flatMap((runs, row) => [
      ...besideLine(row, beside.get(row)),
      ...runs.map((run) => textOf(run, row)),
    ]),
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

/** Every line that was written, without the empty ones at the end. */
function linesOf({ buffer: { active } }: Terminal): Line[] {
  const lines = Array.from({ length: active.length }, (_, row) => active.getLine(row)).filter(
    (line) => line !== undefined,
  )
  return lines.slice(0, lines.findLastIndex((line) => line.translateToString(true) !== '') + 1)
}

function runsOf(line: Line): Run[] {
  const runs: Run[] = []
  const end = line.translateToString(true).length
  for (let column = 0; column < end; column += 1) {
    const at = line.getCell(column)
    if (at === undefined || at.getWidth() === 0) continue
    const style = styleOf(at)
    const last = runs.at(-1)
    if (last?.style === style) {
      last.text += at.getChars() || ' '
      last.width += at.getWidth()
    } else runs.push({ column, style, text: at.getChars() || ' ', width: at.getWidth() })
  }
  return runs.map(withoutMargin).filter(({ text }) => text !== '')
}

/** What is blank before it and behind it needs no drawing. */
function withoutMargin(run: Run): Run {
  const text = run.text.trim()
  const before = run.text.length - run.text.trimStart().length
  const behind = run.text.length - run.text.trimEnd().length
  return { ...run, text, column: run.column + before, width: run.width - before - behind }
}

function styleOf(at: Cell): string {
  const bold = at.isBold() ? ' font-weight="bold"' : ''
  const dim = at.isDim() ? ' opacity="0.65"' : ''
  const colour = at.isFgPalette() ? palette[at.getFgColor()] : undefined
  return `${bold}${dim}${colour === undefined ? '' : ` fill="${colour}"`}`
}

const baselineOf = (row: number): number => margin + row * cell.height + 14

function textOf({ column, style, text, width }: Run, row: number): string {
  const x = rounded(margin + gutter + column * cell.width)
  return `<text x="${x}" y="${baselineOf(row)}" textLength="${rounded(width * cell.width)}" lengthAdjust="spacingAndGlyphs"${style}>${escaped(text)}</text>`
}

function besideLine(row: number, text: string | undefined): string[] {
  if (text === undefined) return []
  const x = rounded(margin + gutter - 2 * cell.width)
  return [
    `<text x="${x}" y="${baselineOf(row)}" text-anchor="end" font-size="12" fill="${colours.beside}">${escaped(text)}</text>`,
  ]
}

const rounded = (value: number): string => String(Math.round(value * 10) / 10)

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
