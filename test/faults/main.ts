/**
 * `npm run faults [-- --every N] [--only PATTERN] [--workers N] [--publish]`: puts each fault at each point of each
 * operation, and looks at what is left. Exit code 1 where anything is not as it must be.
 */
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { unprivilegedAccounts } from '../fixtures/accounts.ts'
import { faults, operations } from './matrix.ts'
import type { Fault } from './matrix.ts'
import { damage, damaged, draws } from './damage.ts'
import { countPoints, forEachFault, tryCase } from './rounds.ts'
import type { Case } from './rounds.ts'
import { buildInjector, Stage } from './stage.ts'
import { publish, tableOf } from './table.ts'
import type { Row } from './table.ts'

const { values: options } = parseArgs({
  options: {
    every: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    seed: { type: 'string', default: '20261201' },
    only: { type: 'string', default: '' },
    workers: { type: 'string', default: '2' },
    publish: { type: 'boolean', default: false },
  },
})
const every = Number(options.every)
const damageTimes = 100
const beganAt = performance.now()
const limit = Number(options.minutes ?? Infinity)
const seed = Number(options.seed)
const minutes = (): number => Math.round((performance.now() - beganAt) / 60_000)

const atEnd: (() => void)[] = []
const { own } = unprivilegedAccounts((remove) => void atEnd.push(remove))
const injector = buildInjector()
const stages = await Promise.all(
  Array.from({ length: Number(options.workers) }, () => Stage.make(injector, own)),
)
try {
  const rows: Row[] = []
  const wanted = Object.keys(operations).filter((operation) => operation.match(options.only) !== null)
  await share(wanted, async (stage, operation) => {
    for (const { program, points } of await countPoints(stage, operation))
      rows.push({ operation, program, points, met: forEachFault(() => 0) })
  })
  rows.sort((one, other) => orderOf(one) - orderOf(other))
  let wrongs = 0
  await share(shuffled(rows.flatMap(casesOf)), async (stage, { row, ...one }) => {
    if (minutes() >= limit) return
    const { met, wrong, where } = await tryCase(stage, one)
    if (met) row.met[one.fault] += 1
    if (wrong.length === 0) return
    wrongs += 1
    console.log(
      `${one.operation} | ${one.program} | ${one.fault} at ${one.nth} (${where}): ${wrong.join('; ')}`,
    )
  })
  const damages = []
  for (const kind of damaged) damages.push({ kind, ...(await damage(kind, seed, damageTimes)) })
  for (const { wrong } of damages) for (const line of wrong) console.log(line)
  wrongs += damages.flatMap(({ wrong }) => wrong).length
  const run = { rows, wrongs, damages, seed, minutes: minutes() }
  console.log(tableOf(run))
  if (options.publish) publish(run)
  if (wrongs > 0) process.exitCode = 1
} finally {
  await Promise.all(stages.map((stage) => stage.dispose()))
  for (const remove of atEnd) remove()
  rmSync(dirname(injector), { recursive: true })
}

/** Every Nth point, and one at least of whatever has any: from the middle, where a stretch is shorter than N. */
function casesOf(row: Row): (Case & { readonly row: Row })[] {
  const { operation, program, points } = row
  return (Object.keys(faults) as Fault[]).flatMap((fault) => {
    const first = Math.min(Math.ceil(every / 2), Math.ceil(points[fault] / 2))
    const count = points[fault] === 0 ? 0 : Math.floor((points[fault] - first) / every) + 1
    return Array.from({ length: count }, (_, at) => ({
      row,
      operation,
      program,
      fault,
      nth: first + at * every,
    }))
  })
}

function orderOf({ operation, program }: Row): number {
  const names = Object.keys(operations)
  return names.indexOf(operation) * 10 + (operations[operation]?.programs.indexOf(program) ?? 0)
}

/** So that a run that is cut short has a bit of everything. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  const draw = draws(seed)
  const left = [...items]
  for (let at = left.length - 1; at > 0; at -= 1) {
    const other = draw(at + 1)
    ;[left[at], left[other]] = [left[other] as Item, left[at] as Item]
  }
  return left
}

/** Each stage takes the next one when it is through with one. */
async function share<Item>(
  items: readonly Item[],
  work: (stage: Stage, item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items]
  await Promise.all(
    stages.map(async (stage) => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(stage, item)
    }),
  )
}
