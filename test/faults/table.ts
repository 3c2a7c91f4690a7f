import { readFileSync, writeFileSync } from 'node:fs'
import type { DamageCount, Damaged } from './damage.ts'
import { faults } from './matrix.ts'
import type { Fault } from './matrix.ts'

export interface Row {
  readonly operation: string
  readonly program: string
  /** How many points each fault has there. */
  readonly points: Readonly<Record<Fault, number>>
  /** At how many of them it was put. */
  readonly met: Record<Fault, number>
}

export interface FaultRun {
  readonly rows: readonly Row[]
  /** Cases after which something was not as it must be. */
  readonly wrongs: number
  readonly damages: readonly ({ readonly kind: Damaged } & DamageCount)[]
  readonly seed: number
  readonly minutes: number
}

const names = Object.keys(faults) as Fault[]
const page = new URL('../../docs/reliability.md', import.meta.url)
export const markers = /(<!-- faults -->\n)[\s\S]*?(\n<!-- \/faults -->)/

export const head = `| operation | program | ${names.map((name) => faults[name]).join(' | ')} |\n| --- | --- |${' --- |'.repeat(names.length)}`

export const damageHead = `| file | damaged | opens as before | refused or said, with the cure | other |\n| --- | --- | --- | --- | --- |`

/** @returns what a run found, as docs/reliability.md has it: for each fault `tried/points` */
export function tableOf({ rows, wrongs, damages, seed, minutes }: FaultRun): string {
  const sum = (of: (row: Row) => Readonly<Record<Fault, number>>): number =>
    rows.flatMap((row) => names.map((name) => of(row)[name])).reduce((one, other) => one + other, 0)
  const lines = rows.map(
    ({ operation, program, points, met }) =>
      `| ${operation} | ${program} | ${names.map((name) => (points[name] === 0 ? '–' : `${met[name]}/${points[name]}`)).join(' | ')} |`,
  )
  const tried = sum(({ met }) => met)
  const said = `${tried} of ${sum(({ points }) => points)} faults tried, in ${minutes} minutes (seed ${seed}): ${wrongs} left anything but what is promised above`
  const damage = damages.map(
    ({ kind, unhurt, said: told, wrong }) =>
      `| ${kind} | ${unhurt + told + wrong.length} | ${unhurt} | ${told} | ${wrong.length} |`,
  )
  return [said, '', head, ...lines, '', damageHead, ...damage].join('\n')
}

export function publish(run: FaultRun): void {
  const text = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    text.replace(markers, (_all, from: string, to: string) => `${from}${tableOf(run)}${to}`),
  )
}
