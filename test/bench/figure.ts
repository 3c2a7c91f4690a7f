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

export function isHeld({ value, target, better }: Figure): boolean {
  return better === 'at most' ? value <= target : value >= target
}

const shown = (value: number, unit: string): string => {
  const digits = value >= 1000 ? 0 : value >= 100 || Number.isInteger(value) ? 0 : 2
  return `${value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })} ${unit}`
}

/** One figure, as it is said while the others are measured: a run that is broken off was not for nothing. */
export const inOneLine = (figure: Figure): string =>
  `${figure.name}: ${shown(figure.value, figure.unit)}, ${figure.better} ${shown(figure.target, figure.unit)}${isHeld(figure) ? '' : ': NOT HELD'}`

/** The figures as a Markdown table, as README.md shows them. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    shown(figure.value, figure.unit),
    `${figure.better} ${shown(figure.target, figure.unit)}`,
    `${figure.baseline.name}: ${shown(figure.baseline.value, figure.baseline.unit)}`,
    String(figure.rounds),
    isHeld(figure) ? 'yes' : 'NO',
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
