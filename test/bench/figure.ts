/** One line of the table: what was measured, what it was compared with in the same run, and what is aimed at. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The same thing without kubeguard, or the nearest thing to it. */
  readonly baseline: { readonly name: string; readonly value: number; readonly unit: string }
  readonly target: number
  /** `at most` the target, or `at least`. */
  readonly better: 'at most' | 'at least'
  readonly rounds: number
}

/** What `node -e 0` of this runtime took on the machine for which the aims were set (docs/decisions/0034). */
const yardstickMs = 20

/** How many times slower than that machine this one is; 1 where it is no slower. */
export const slownessOf = (emptyProgramMs: number): number => Math.max(1, emptyProgramMs / yardstickMs)

type Held = 'yes' | 'yes, for such a machine' | 'NO'

const reaches = ({ value, better }: Figure, target: number): boolean =>
  better === 'at most' ? value <= target : value >= target

/** Ratios, bytes and counts say the same on every machine; times and rates do not. */
function targetOn(slowness: number, { unit, target }: Figure): number {
  if (unit.startsWith('ms')) return target * slowness
  return unit === '/s' ? target / slowness : target
}

/** Is it as it should be, or would it be but for the machine? */
export function held(figure: Figure, slowness: number): Held {
  if (reaches(figure, figure.target)) return 'yes'
  return reaches(figure, targetOn(slowness, figure)) ? 'yes, for such a machine' : 'NO'
}

const shown = (value: number, unit: string): string => {
  const digits = value >= 1000 ? 0 : value >= 100 || Number.isInteger(value) ? 0 : 2
  return `${value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })} ${unit}`
}

/** One figure, as it is said while the others are measured: a run that is broken off was not for nothing. */
export function inOneLine(figure: Figure, slowness: number): string {
  const { name, value, unit, better, target } = figure
  const verdict = { 'yes': '', 'yes, for such a machine': ': held for such a machine', 'NO': ': NOT HELD' }
  return `${name}: ${shown(value, unit)}, ${better} ${shown(target, unit)}${verdict[held(figure, slowness)]}`
}

/** The figures as a Markdown table, as README.md shows them, and how slow the machine was. */
export function table(figures: readonly Figure[], slowness: number): string {
  const machine = `This machine is ${slowness.toFixed(1)} times as slow as the one for which milliseconds and rates were set.`
  return `${rowsOf(figures, slowness)}\n\n${machine}`
}

function rowsOf(figures: readonly Figure[], slowness: number): string {
  const rows = figures.map((figure) => [
    figure.name,
    shown(figure.value, figure.unit),
    `${figure.better} ${shown(figure.target, figure.unit)}`,
    `${figure.baseline.name}: ${shown(figure.baseline.value, figure.baseline.unit)}`,
    String(figure.rounds),
    held(figure, slowness),
  ])
  const all = [['figure', 'measured', 'aim', 'baseline in the same run', 'rounds', 'held'], ...rows]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? []
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = all
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body.map(line)].join(
    '\n',
  )
}
