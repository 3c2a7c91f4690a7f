import type { Contest, Peer } from './contest.ts'

/** A picture of the contests: a bar for each median, a line for its spread. Drawn for light and dark pages alike. */

const width = 760
const [labelWidth, valueWidth] = [190, 150]
const [barHeight, barGap, titleHeight] = [18, 6, 34]
const colours = { ours: '#2f6fde', theirs: '#9aa3af', line: '#6b7280', text: '#6b7280' }

const heightOf = ({ peers }: Contest): number => titleHeight + peers.length * (barHeight + barGap) + 10

export function plot(contests: readonly Contest[]): string {
  let top = 4
  const parts = contests.map((contest) => {
    const drawn = drawContest(contest, top)
    top += heightOf(contest)
    return drawn
  })
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}" font-family="system-ui, sans-serif" font-size="12" fill="${colours.text}">`
  return `${head}\n<title>kubeguard beside its peers</title>\n${parts.join('\n')}\n</svg>\n`
}

function drawContest({ title, unit, peers }: Contest, top: number): string {
  const longest = Math.max(...peers.map(({ spread }) => spread.high))
  const scale = (width - labelWidth - valueWidth) / longest
  const heading = `<text x="4" y="${top + 20}" font-weight="bold">${escaped(`${title} (${unit})`)}</text>`
  return [
    heading,
    ...peers.map((peer, at) => drawPeer(peer, top + titleHeight + at * (barHeight + barGap), scale)),
  ].join('\n')
}

function drawPeer({ name, isOurs, spread }: Peer, top: number, scale: number): string {
  const at = (value: number): string => (labelWidth + value * scale).toFixed(1)
  const middle = top + barHeight / 2
  const text = `${shown(spread.median)} (${shown(spread.low)} to ${shown(spread.high)})`
  return [
    `<text x="${labelWidth - 8}" y="${middle + 4}" text-anchor="end">${escaped(name)}</text>`,
    `<rect x="${labelWidth}" y="${top}" width="${Math.max(1, spread.median * scale).toFixed(1)}" height="${barHeight}" rx="2" fill="${isOurs ? colours.ours : colours.theirs}"/>`,
    `<path d="M${at(spread.low)} ${middle}H${at(spread.high)}M${at(spread.low)} ${middle - 4}v8M${at(spread.high)} ${middle - 4}v8" stroke="${colours.line}" fill="none"/>`,
    `<text x="${(labelWidth + spread.high * scale + 8).toFixed(1)}" y="${middle + 4}">${text}</text>`,
  ].join('\n')
}

/** Three digits that say something. */
export const shown = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(value >= 1 ? 3 : 2)

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
