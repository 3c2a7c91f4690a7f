import { good } from '../fixtures/home.ts'
import { inventoryOf, isNoMore } from '../fixtures/inventory.ts'
import type { Inventory } from '../fixtures/inventory.ts'
import { TestTerminal, until } from '../fixtures/terminal.ts'
import type { Bench } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { startLive } from './live-process.ts'
import { session, standIn } from './supervisor-figures.ts'
import type { Stand } from './supervisor-figures.ts'

const locks = 100
const commandsForEach = 10
/** Connections are let go, and what was under way ends. */
const settledWithinMs = 10_000

/** More than anybody opens in a day. */
const streams = 500

/** What interactive streams leave behind, each opened at a terminal and closed; every 25th by a lock. */
export async function streamLeakFigures(bench: Bench): Promise<Figure[]> {
  const { home } = bench
  const stand = standIn(bench)
  await openAndClose(bench, stand, 25)
  const before = await settled(bench)
  await openAndClose(bench, stand, streams)
  const after = await settled(bench, before)
  await home.unlock('--all')
  const kinds = ['descriptors', 'processes', 'files'] as const
  return kinds.map((kind) => leftOf(kind, `${kind} left by ${streams} supervised sessions`, before, after))
}

async function openAndClose({ home }: Bench, { shim, env }: Stand, count: number): Promise<void> {
  for (let stream = 1; stream <= count; stream += 1) {
    if (stream % 25 === 1) await home.unlock('--all')
    using terminal = new TestTerminal(shim, [...session, 'echo'], env, home.home)
    await terminal.shows('!')
    if (stream % 25 === 0) await home.lock()
    else terminal.type('q')
    await terminal.ended()
  }
}

/** What 1,000 commands and 100 locks, each with something live, leave behind. */
export async function leakFigures(bench: Bench): Promise<Figure[]> {
  const { home } = bench
  const work = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) await openWorkLock(bench)
  }
  // Whatever is made once and kept is there after these.
  await work(3)
  const before = await settled(bench)
  await work(locks)
  const after = await settled(bench, before)
  await home.unlock('--all')
  const figure = (kind: keyof Inventory, whose: string): Figure =>
    leftOf(kind, `${kind} ${whose} left by 1,000 commands, 100 locks`, before, after)
  return [figure('descriptors', 'of the daemon'), figure('processes', 'of ours'), figure('files', 'of ours')]
}

/** How many more there are of a kind than before. */
function leftOf(kind: keyof Inventory, name: string, before: Inventory, after: Inventory): Figure {
  return {
    name,
    value: after[kind] - before[kind],
    unit: '',
    baseline: { name: 'before them', value: before[kind], unit: '' },
    target: 0,
    better: 'at most',
    rounds: 1,
  }
}

async function openWorkLock(bench: Bench): Promise<void> {
  const { home } = bench
  await home.unlock('--all')
  const live = await startLive(bench, 1)
  for (let command = 1; command < commandsForEach; command += 1) good(await home.kubectl(['get', 'pods']))
  await home.lock()
  await live.ended
}

/** Waits for as long as it may take to settle, or until there is no more than `wanted`. */
async function settled(
  { home }: Bench,
  wanted: Inventory = { descriptors: 0, processes: 0, files: 0 },
): Promise<Inventory> {
  let seen = await inventoryOf(home)
  const isSettled = async (): Promise<boolean> => isNoMore((seen = await inventoryOf(home)), wanted)
  await until('it to settle', isSettled, { withinMs: settledWithinMs }).catch(() => undefined)
  return seen
}
