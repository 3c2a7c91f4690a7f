import { cpSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { PolicySet } from '../../../src/domain/policy.ts'
import { dirs, places } from '../../../src/platform/dirs.ts'
import type { ScribeJob } from '../../../src/platform/scribes/job.ts'
import { createTraces } from '../../../src/platform/traces.ts'
import { adoptJob, bundleScribe, makeHome, pendingItems, read, run, runRaw, write } from './scribe-fixture.ts'
import type { Home } from './scribe-fixture.ts'

/** Kills the scribe at each of its calls that change files, and looks at what is left. */

let program: string
let home: Home

beforeAll(() => {
  program = bundleScribe('test/integration/scribe/traceable-scribe.ts')
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

const changing = [
  'openat',
  'write',
  'fsync',
  'rename',
  'link',
  'unlink',
  'fchmod',
  'fchown',
  'mkdir',
  'ftruncate',
]

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
  const { status } = await runRaw(
    program,
    home,
    job,
    straced(trace, ['-e', `trace=${changing.join(',')}`]),
    steadier,
  )
  expect(status).toBe(0)
  const counts = new Map<string, number>()
  const calls = read(trace)
    .split('\n')
    .flatMap((line): Call[] => {
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

const namesBeside = (paths: readonly string[]): string[][] =>
  paths.map((path) => readdirSync(dirname(path)).toSorted())

/** @returns the call that the scribe was killed at */
async function runKilled(job: ScribeJob, { name, nth }: Call): Promise<string> {
  const trace = join(home.root, 'trace')
  const inject = ['-e', `trace=${name}`, '-e', `inject=${name}:signal=KILL:when=${nth}`]
  await runRaw(program, home, job, straced(trace, inject), steadier)
  const last = read(trace)
    .trimEnd()
    .split('\n')
    .findLast((line) => line.startsWith(name))
  rmSync(trace)
  return steady(last ?? '')
}

interface Attack {
  readonly job: ScribeJob
  readonly paths: readonly string[]
  /** Called after each kill, with what the files hold then. */
  readonly checkSafe: (texts: string[], before: string[], after: string[]) => Promise<void>
  /** Only the calls on files in this folder; absent: all. */
  readonly within?: string
}

/**
 * Runs the job from the same beginning, killed at one call more each time. After each kill a second run
 * must complete, with the same files at the end and nothing beside them.
 */
async function killEverywhere({ job, paths, checkSafe, within = '' }: Attack): Promise<string[]> {
  const saved = `${home.root}-saved`
  cpSync(home.root, saved, { recursive: true })
  const reset = (): void => {
    for (const folder of ['kube', 'guard/state']) {
      rmSync(join(home.root, folder), { recursive: true, force: true })
      cpSync(join(saved, folder), join(home.root, folder), { recursive: true })
    }
  }
  try {
    const before = paths.map(read)
    const beside = namesBeside(paths)
    const calls = (await changingCalls(job)).filter(({ what }) => what.includes(` ${within}`))
    const after = paths.map(read)
    const killAt = async (call: Call): Promise<string> => {
      reset()
      const what = await runKilled(job, call)
      await checkSafe(paths.map(read), before, after)
      expect({ what, ...(await run(program, home, job)) }).toMatchObject({ what, ok: true })
      expect({ what, texts: paths.map(read), beside: namesBeside(paths) }).toEqual({
        what,
        texts: after,
        beside,
      })
      return what
    }
    const findAgain = async ({ name, what }: Call): Promise<Call | undefined> => {
      reset()
      return (await changingCalls(job)).find((call) => call.name === name && call.what === what)
    }
    for (const call of calls) await killUntilHit(call, killAt, findAgain)
    return calls.map(({ what }) => what)
  } finally {
    rmSync(saved, { recursive: true, force: true })
  }
}

/** The run that counted the calls may itself have been out of step: then they are counted anew. */
const mostCounts = 4

async function killUntilHit(
  call: Call,
  killAt: (call: Call) => Promise<string>,
  findAgain: (call: Call) => Promise<Call | undefined>,
): Promise<void> {
  const hit: string[] = []
  let counted = call
  for (let counts = 1; counts <= mostCounts; counts += 1) {
    for (const drift of drifts) {
      hit.push(await killAt({ ...counted, nth: Math.max(counted.nth + drift, 1) }))
      if (hit.includes(call.what)) return
    }
    counted = (await findAgain(call)) ?? counted
  }
  expect(hit).toContain(call.what)
}

const wholeOrNothing = (texts: string[], before: string[], after: string[]): void =>
  texts.forEach((found, index) => expect([before[index], after[index]]).toContain(found))

test('adopt: the kubeconfig is whole, and the token is in it or in the vault', async () => {
  const path = write(join(home.kube, 'config'), text)
  const killed = await killEverywhere({
    job: adoptJob(home, [path]),
    paths: [path],
    checkSafe: async (texts, before, after) => {
      wholeOrNothing(texts, before, after)
      if (!texts[0]?.includes(token)) expect(await pendingItems(home)).toMatchObject([{ token }])
      for (const name of readdirSync(home.kube).filter((found) => found !== 'config')) {
        expect(read(join(home.kube, name))).not.toContain(token)
      }
    },
  })
  expect(killed.length).toBeGreaterThan(12)
})

test('restore: the kubeconfig is whole, and nothing is left beside it', async () => {
  const path = write(join(home.kube, 'config'), text)
  await run(program, home, adoptJob(home, [path]))
  const killed = await killEverywhere({
    job: { job: 'restore', items: await pendingItems(home) },
    paths: [path],
    checkSafe: async (texts, before, after) => wholeOrNothing(texts, before, after),
  })
  expect(read(path)).toBe(text)
  expect(killed.length).toBeGreaterThan(8)
})

describe('materialise', () => {
  const trace = 'default~0123456789abcdef'
  const folder = (): string => places.traces(dirs(home.environment))
  const sweepJob = { job: 'sweep', paths: [], places: [], traces: [trace] } as const

  async function begun(): Promise<{ path: string; guarded: string; job: ScribeJob }> {
    const path = write(join(home.kube, 'config'), text)
    await run(program, home, adoptJob(home, [path]))
    const guarded = read(path)
    createTraces(folder()).begin(trace, { places: [], onLock: [] })
    return { path, guarded, job: { job: 'materialise', trace, items: await pendingItems(home) } }
  }

  /** Whatever the kill left, beside the file too: whoever comes after it takes it out. */
  async function checkSwept(path: string, guarded: string): Promise<void> {
    expect(await run(program, home, sweepJob)).toMatchObject({ ok: true, result: { failures: [] } })
    expect(read(path)).toBe(guarded)
    for (const name of readdirSync(home.kube)) expect(read(join(home.kube, name))).not.toContain(token)
    createTraces(folder()).begin(trace, { places: [], onLock: [] })
  }

  test('killed while it is put there: the sweep finds all of it', async () => {
    const { path, guarded, job } = await begun()
    const killed = await killEverywhere({
      job,
      paths: [path],
      checkSafe: async (texts, before, after) => {
        wholeOrNothing(texts, before, after)
        await checkSwept(path, guarded)
      },
    })
    expect(killed.length).toBeGreaterThan(8)
  })

  test('killed while it is taken out: the next sweep does the rest', async () => {
    const { path, guarded, job } = await begun()
    await run(program, home, job)
    const killed = await killEverywhere({
      job: sweepJob,
      paths: [path],
      checkSafe: async (texts, before, after) => wholeOrNothing(texts, before, after),
    })
    expect(read(path)).toBe(guarded)
    expect(killed.length).toBeGreaterThan(8)
  })
})

describe('move', () => {
  const cluster = `clusters:\n- name: main\n  cluster:\n    server: https://main:6443\n`
  const before = `${cluster}${text.replace('{name: dev, context: {user: alice}}', '{name: prod-1, context: {cluster: main, user: alice}}')}`
  const behind = 'main-kubeguard-prod'

  test.each(['gateway', 'plugin'] as const)(
    'to access: %s: what is sealed changes before the file, and the next run does the rest',
    async (access) => {
      const path = write(join(home.kube, 'config'), before)
      const policies = (wanted: typeof access): PolicySet =>
        home.policies.map((policy) => (policy.name === 'prod' ? { ...policy, access: wanted } : policy))
      const other = access === 'gateway' ? 'plugin' : 'gateway'
      await run(program, home, adoptJob(home, [path], { policies: policies(other) }))
      // The port of its gateway is the same after each reset.
      await run(program, home, adoptJob(home, [path], { policies: policies('gateway') }))
      const items = await pendingItems(home)
      const killed = await killEverywhere({
        job: { job: 'move', items, policy: 'prod', access, paths: [path] },
        paths: [path],
        within: '/kube',
        checkSafe: async (texts, ...either) => {
          wholeOrNothing(texts, ...either)
          const [item, ...more] = await pendingItems(home)
          expect([item?.token, more]).toEqual([token, []])
          const isMoved = texts[0]?.includes(behind) === (access === 'gateway')
          if (isMoved) expect(item?.upstreams !== undefined).toBe(access === 'gateway')
          for (const name of readdirSync(home.kube)) expect(read(join(home.kube, name))).not.toContain(token)
        },
      })
      expect(killed.length).toBeGreaterThan(4)
      expect(read(path).includes(behind)).toBe(access === 'gateway')
      await run(program, home, { job: 'restore', items: await pendingItems(home) })
      expect(read(path)).toBe(before)
    },
  )
})

describe('a user that is split, in another file than its contexts', () => {
  const users = `users:\n- name: alice\n  user:\n    token: ${token}\n`
  const contexts = `contexts:\n${['dev', 'prod-1'].map((name) => `- {name: ${name}, context: {user: alice}}\n`).join('')}`

  const writeBoth = (): string[] => [
    write(join(home.kube, 'a', 'users'), users),
    write(join(home.kube, 'b', 'contexts'), contexts),
  ]

  /** Every context leads to a user, and every user to the token: by itself or through the vault. */
  async function checkSafe(texts: string[]): Promise<void> {
    const [first, second] = texts.map((found) => parse(found))
    const items = await pendingItems(home)
    for (const { context } of second.contexts) {
      const { user } = first.users.find((entry: { name: string }) => entry.name === context.user)
      const held = user.token ?? items.find(({ id }) => id === user.exec.args.at(-1))?.token
      expect(held).toBe(token)
    }
  }

  test('adopt', async () => {
    const paths = writeBoth()
    await killEverywhere({ job: adoptJob(home, paths), paths, checkSafe, within: '/kube' })
    expect(read(paths[1] as string)).toContain('alice-kubeguard-prod')
  })

  test('restore', async () => {
    const paths = writeBoth()
    await run(program, home, adoptJob(home, paths))
    const job = { job: 'restore', items: await pendingItems(home) } as const
    await killEverywhere({ job, paths, checkSafe, within: '/kube' })
    expect(paths.map(read)).toEqual([users, contexts])
  })
})
