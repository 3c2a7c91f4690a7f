import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { usualRetention } from '../../src/platform/journal/retention.ts'
import type { Bench } from '../bench/bench-home.ts'
import type { ClientProcess } from '../bench/client-process.ts'
import { compare, median } from '../bench/measure.ts'
import { inventoryOf, isNoMore } from '../fixtures/inventory.ts'
import { proportionalBytes } from '../fixtures/memory.ts'
import { node, repository, until } from '../fixtures/terminal.ts'

/** What a kubeguard that is locked and idle has for itself, and how long a person waits for it. */
export interface State {
  readonly memoryMb: number
  readonly descriptors: number
  readonly processes: number
  readonly files: number
  readonly journalMb: number
  /** Over the same program run directly, and over a Node that does nothing: a busy machine slows both. */
  readonly shim: number
  readonly status: number
}

const megabyte = 1024 * 1024

/** Connections are let go, garbage is collected. */
const settleMs = 15_000
const settledWithinMs = 60_000
const samples = 20
const sampleStepMs = 250

/** Unlocks for the times, and leaves everything locked. @param before what there was, for which to wait */
export async function stateOf(bench: Bench, clients: ClientProcess, before?: State): Promise<State> {
  const { home } = bench
  await home.unlock('--all')
  const times = await timesOf(bench, clients)
  await home.lock()
  await wait(settleMs)
  let inventory = await inventoryOf(home)
  // What was just asked may still be ending; what stays is what has grown.
  const hasSettled = async (): Promise<boolean> =>
    before === undefined || isNoMore((inventory = await inventoryOf(home)), before)
  await until('it to settle', hasSettled, { withinMs: settledWithinMs }).catch(() => undefined)
  const memoryMb = await memoryOf(bench)
  return { ...inventory, ...times, memoryMb, journalMb: journalBytes(bench) / megabyte }
}

async function timesOf(
  { home, nothing, nothingPath }: Bench,
  clients: ClientProcess,
): Promise<Pick<State, 'shim' | 'status'>> {
  const args = ['get', 'pods']
  const env = { ...home.env, PATH: nothingPath }
  const shim = await compare(
    () => clients.time({ file: join(home.shims, 'kubectl'), args, env }),
    () => clients.time({ file: nothing, args, env }),
    { rounds: 200 },
  )
  const status = await compare(
    () => clients.time({ file: join(repository, 'bin', 'kubeguard'), args: ['status'], env: home.env }),
    () => clients.time({ file: node, args: ['-e', '0'], env: home.env }),
    { rounds: 30 },
  )
  return { shim: shim.a / shim.b, status: status.a / status.b }
}

/** The daemon and what it keeps running. */
async function memoryOf({ home }: Bench): Promise<number> {
  const daemon = await home.daemonPid()
  if (daemon === undefined) throw new Error('no daemon is running')
  const seen: number[] = []
  for (let sample = 0; sample < samples; sample += 1) {
    seen.push(proportionalBytes(daemon))
    await wait(sampleStepMs)
  }
  return median(seen) / megabyte
}

function journalBytes({ home }: Bench): number {
  const journal = join(home.guardHome, 'state', 'journal.db')
  const sizes = ['', '-wal'].map((end) => statSync(journal + end, { throwIfNoEntry: false })?.size ?? 0)
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** How far each may be from where it began, and still be called flat. */
const bounds: Readonly<Record<keyof State, (begin: number) => number>> = {
  // What a runtime has for itself goes up and down by megabytes.
  memoryMb: (begin) => begin * 1.15 + 4,
  descriptors: (begin) => begin,
  processes: (begin) => begin,
  files: (begin) => begin,
  // It grows up to what it may keep (src/platform/journal/retention.ts), and a write-ahead log beside it.
  journalMb: () => usualRetention.mostBytes / megabyte + 4,
  shim: (begin) => begin * 1.3,
  status: (begin) => begin * 1.3,
}

const names: Readonly<Record<keyof State, string>> = {
  memoryMb: 'memory of the daemon and its reaper (PSS), MB',
  descriptors: 'descriptors of the daemon',
  processes: 'processes',
  files: 'files',
  journalMb: 'journal, MB',
  shim: 'shim around a program that does nothing, × that program',
  status: 'kubeguard status, × `node -e 0`',
}

/** @returns the table, and what is not flat. */
export function compareStates(begin: State, middle: State, end: State): { table: string; grown: string[] } {
  const kinds = Object.keys(names) as (keyof State)[]
  const isFlat = (kind: keyof State): boolean => end[kind] <= bounds[kind](begin[kind])
  const shown = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2))
  const rows = kinds.map((kind) => {
    const cells = [names[kind], ...[begin, middle, end].map((state) => shown(state[kind]))]
    return `| ${[...cells, shown(bounds[kind](begin[kind])), isFlat(kind) ? 'flat' : 'NOT FLAT'].join(' | ')} |`
  })
  const head = ['| of a locked kubeguard | begin | middle | end | at most | |', '|---|---|---|---|---|---|']
  return {
    table: [...head, ...rows].join('\n'),
    grown: kinds.filter((kind) => !isFlat(kind)).map((kind) => names[kind]),
  }
}
