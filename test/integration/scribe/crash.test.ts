import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ScribeJob } from '../../../src/platform/scribes/job.ts'
import { adoptJob, bundleScribe, makeHome, pendingItems, read, run, runRaw, write } from './scribe-fixture.ts'
import type { Home } from './scribe-fixture.ts'

/** Kills the scribe at each of its calls that change files, and looks at what is left. */

let program: string
let home: Home

beforeAll(() => {
  program = bundleScribe()
})
afterAll(() => rmSync(dirname(program), { recursive: true, force: true }))
beforeEach(async () => {
  home = await makeHome()
})
afterEach(() => home.remove())

const token = 'token-that-must-not-be-lost'
const text = `# kept
contexts:
- {name: dev, context: {user: alice}}
users:
- name: alice
  user:
    token: ${token}
`

const changing = ['openat', 'write', 'fsync', 'rename', 'link', 'unlink', 'fchmod', 'fchown', 'mkdir', 'ftruncate']

interface Call {
  readonly name: string
  /** Which call of this name by the main thread, from 1. */
  readonly nth: number
  /** What it changes. */
  readonly what: string
}

/** Calls that change files below the home, in order; the rest is the runtime's own business. */
async function changingCalls(job: ScribeJob): Promise<Call[]> {
  const trace = join(home.root, 'trace')
  const { status } = await runRaw(program, home, job, straced(trace, ['-e', `trace=${changing.join(',')}`]), steadier)
  expect(status).toBe(0)
  const counts = new Map<string, number>()
  const calls = read(trace).split('\n').flatMap((line): Call[] => {
    const name = /^([a-z0-9]+)\(/.exec(line)?.[1]
    if (name === undefined) return []
    const nth = (counts.get(name) ?? 0) + 1
    counts.set(name, nth)
    const changes = line.includes(home.root) && (name !== 'openat' || line.includes('O_CREAT'))
    return changes ? [{ name, nth, what: steady(line) }] : []
  })
  rmSync(trace)
  return calls
}

/** The main thread alone is traced: it makes all these calls, and so their order is the same each time. */
const straced = (trace: string, more: readonly string[]): string[] => ['strace', '-y', '-o', trace, ...more]

/** The call's name and our files in its arguments, without process ids and random parts. */
function steady(line: string): string {
  const [call] = line.split(/\) += /)
  const paths = [...(call ?? '').matchAll(/["<]([^">]*)[">]/g)].map(([, path]) => path ?? '')
  const ours = paths.filter((path) => path.startsWith(home.root)).map((path) => path.slice(home.root.length))
  const random = /[0-9]+-[0-9]+-[0-9a-f]{8}-[0-9a-f]{8}|\.[0-9a-f]{12}\.tmp/g
  return [line.split('(')[0], ...ours].join(' ').replaceAll(random, 'NEW')
}

/** Keeps the C library from asking for the number of processors, which it does now and then. */
const steadier = { MALLOC_ARENA_MAX: '1' }

/** The runtime may still open a file more or less from run to run: the neighbours are tried then. */
const drifts = [0, 0, 1, 0, -1, 1, 0, 2, -1, 1, 0, -2, 3, -3]

interface State {
  readonly config: string
  readonly files: readonly string[]
}

const stateOf = (path: string): State => ({ config: read(path), files: readdirSync(dirname(path)).toSorted() })

/** @returns the call that the scribe was killed at */
async function runKilled(job: ScribeJob, { name, nth }: Call): Promise<string> {
  const trace = join(home.root, 'trace')
  const inject = ['-e', `trace=${name}`, '-e', `inject=${name}:signal=KILL:when=${nth}`]
  await runRaw(program, home, job, straced(trace, inject), steadier)
  const last = read(trace).trimEnd().split('\n').findLast((line) => line.startsWith(name))
  rmSync(trace)
  return steady(last ?? '')
}

/** Runs the job from the same beginning, killed at one call more each time, and checks after each. */
async function killEverywhere(job: ScribeJob, path: string, checkSafe: (state: State) => Promise<void>): Promise<string[]> {
  const saved = `${home.root}-saved`
  cpSync(home.root, saved, { recursive: true })
  const reset = (): void => {
    for (const folder of ['kube', 'guard/state']) {
      rmSync(join(home.root, folder), { recursive: true, force: true })
      cpSync(join(saved, folder), join(home.root, folder), { recursive: true })
    }
  }
  try {
    const calls = await changingCalls(job)
    const after = read(path)
    const killed: string[] = []
    for (const call of calls) {
      for (const drift of drifts) {
        reset()
        const before = read(path)
        const what = await runKilled(job, { ...call, nth: Math.max(call.nth + drift, 1) })
        const state = stateOf(path)
        expect([before, after]).toContain(state.config)
        await checkSafe(state)
        expect(await run(program, home, job), what).toMatchObject({ ok: true })
        expect(stateOf(path), what).toEqual({ config: after, files: ['config'] })
        if (what === call.what) {
          killed.push(what)
          break
        }
      }
    }
    expect(killed).toEqual(calls.map(({ what }) => what))
    return killed
  } finally {
    rmSync(saved, { recursive: true, force: true })
  }
}

test('adopt: the kubeconfig is whole, and the token is in it or in the vault', async () => {
  const path = write(join(home.kube, 'config'), text)
  const killed = await killEverywhere(adoptJob(home, [path]), path, async ({ config, files }) => {
    if (!config.includes(token)) expect(await pendingItems(home)).toMatchObject([{ token }])
    for (const name of files.filter((found) => found !== 'config')) {
      expect(read(join(home.kube, name))).not.toContain(token)
    }
  })
  expect(killed.length).toBeGreaterThan(12)
})

test('restore: the kubeconfig is whole, and nothing is left beside it', async () => {
  const path = write(join(home.kube, 'config'), text)
  await run(program, home, adoptJob(home, [path]))
  const items = await pendingItems(home)
  const killed = await killEverywhere({ job: 'restore', items }, path, async () => {
    expect(existsSync(path)).toBe(true)
  })
  expect(read(path)).toBe(text)
  expect(killed.length).toBeGreaterThan(8)
})
