import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../../fixtures/terminal.ts'

const source = join(repository, 'test', 'e2e', 'transparency', 'witness.c')

/** Compiles the witness: it adds to the file `notes` and becomes the program `real`. @throws Error without a compiler. */
export function buildWitness(output: string, { notes, real }: { notes: string; real: string }): void {
  const text = (value: string): string => JSON.stringify(value)
  const flags = [
    '-std=c17',
    '-O1',
    '-Wall',
    '-Wextra',
    '-Werror',
    `-DNOTES=${text(notes)}`,
    `-DREAL=${text(real)}`,
  ]
  const built = spawnSync('cc', [...flags, '-o', output, source], { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`the witness can't be built: ${built.error ?? built.stderr}`)
  writeFileSync(notes, '')
}

/** What one start of kubectl was given, or one wait status of a watched child; in no run the same twice left out. */
export type Noted = Readonly<Record<string, string | readonly string[]>>

/** Reads and empties the notes, in an order that does not depend on who came first. */
export function takeNotes(file: string): Noted[] {
  const blocks = parse(readFileSync(file))
  writeFileSync(file, '')
  const plain = blocks.map(steady)
  const starts = plain.filter((block) => 'start' in block)
  // Wait statuses keep their order: stopped comes before continued.
  const waits = plain.filter((block) => !('start' in block))
  const sorted = starts.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
  return [...sorted, ...waits]
}

type Block = [name: string, value: string][]

function parse(bytes: Buffer): Block[] {
  const blocks: Block[] = []
  let block: Block = []
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.indexOf('\n', at)
    const [, name = '', length = '0'] = /^(.*) (\d+)$/s.exec(bytes.toString('latin1', at, lineEnd)) ?? []
    const end = lineEnd + 1 + Number(length)
    block.push([name, bytes.toString('latin1', lineEnd + 1, end)])
    at = end + 1
    if (name !== 'end') continue
    blocks.push(block)
    block = []
  }
  return blocks
}

const processNames = new Set(['pid', 'parent', 'group', 'session', 'foreground'])
/** Numbers of processes, sizes and counts, which no two runs share; FDSize is what a parent once had open (proc(5)). */
const unsteadyStatus =
  /^(State|SigQ|Tgid|Ngid|Pid|PPid|NStgid|NSpid|NSpgid|NSsid|FDSize|Vm\w+|Rss\w+|HugetlbPages|\w+_ctxt_switches):/

/** The same facts without what differs between any two runs: which numbers are equal stays. */
function steady(block: Block): Noted {
  const processes = new Labels('process')
  const objects = new Labels('object')
  const facts: Record<string, string | readonly string[]> = {}
  const valuesOf = (name: string): string[] => block.filter(([one]) => one === name).map(([, value]) => value)
  for (const [name, value] of block) {
    if (name === 'argument' || name === 'variable') facts[name] = valuesOf(name)
    else if (processNames.has(name)) facts[name] = processes.of(value)
    else if (name === 'status') facts[name] = lines(value).filter((line) => !unsteadyStatus.test(line))
    else if (name === 'limits') facts[name] = lines(value)
    else if (name.startsWith('fdinfo '))
      facts[name] = lines(value).filter((line) => /^(pos|flags):/.test(line))
    else if (name.startsWith('fd ')) facts[name] = steadyTarget(value, objects)
    else if (name === 'terminal') facts[name] = Buffer.from(value, 'latin1').toString('hex')
    else facts[name] = value
  }
  return facts
}

/** `pipe:[123]` and `/dev/pts/4` have other numbers each time. */
function steadyTarget(target: string, objects: Labels): string {
  return target
    .replace(/\[\d+\]/, (number) => `[${objects.of(number)}]`)
    .replace(/^\/dev\/pts\/\d+$/, 'a terminal')
    .replace(/GMfifo\d+/, 'a job server')
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')

/** Names things by the order in which they are met. */
class Labels {
  readonly #kind: string
  readonly #names = new Map<string, string>()

  constructor(kind: string) {
    this.#kind = kind
  }

  of(thing: string): string {
    const name = this.#names.get(thing) ?? `${this.#kind} ${this.#names.size + 1}`
    this.#names.set(thing, name)
    return name
  }
}
