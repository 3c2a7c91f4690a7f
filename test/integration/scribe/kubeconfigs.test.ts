import { mkdirSync, renameSync, rmSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createKubeconfigs } from '../../../src/platform/scribes/create-kubeconfigs.ts'
import type { Kubeconfigs, Log } from '../../../src/usecases/ports.ts'
import { adoptJob, bundleScribe, makeHome, read, write } from './scribe-fixture.ts'
import type { Home } from './scribe-fixture.ts'

/** The daemon's side: the port, with a scribe process behind it. */

let program: string
let home: Home
let kubeconfigs: Kubeconfigs
const before = process.env['KUBEGUARD_HOME']

const said: string[] = []
const note = (message: string, facts?: object): void =>
  void said.push(`${message} ${JSON.stringify(facts ?? {})}`)
const log: Log = { info: note, warn: note, error: note }

beforeAll(() => {
  program = bundleScribe()
})
afterAll(() => rmSync(dirname(program), { recursive: true, force: true }))
beforeEach(async () => {
  home = await makeHome()
  process.env['KUBEGUARD_HOME'] = home.environment.KUBEGUARD_HOME
  said.length = 0
  kubeconfigs = createKubeconfigs({ log, program })
})
afterEach(() => {
  if (before === undefined) delete process.env['KUBEGUARD_HOME']
  else process.env['KUBEGUARD_HOME'] = before
  home.remove()
})

const text = `current-context: dev
contexts:
- {name: dev, context: {cluster: c, user: alice}}
users:
- {name: alice, user: {token: a-secret-token}}
- {name: bob, user: {exec: {command: aws}}}
`

/** Long ago: a file that was written just now is read again each time. */
function settle(path: string): string {
  const past = new Date(Date.now() - 60_000)
  utimesSync(path, past, past)
  return path
}

test('an outline has names and kinds, and no secret', async () => {
  const path = write(join(home.kube, 'config'), text)
  const outlines = await kubeconfigs.outlines([join(home.kube, 'none'), path])
  expect(outlines).toEqual([
    {
      path,
      real: path,
      currentContext: 'dev',
      contexts: [{ name: 'dev', cluster: 'c', user: 'alice' }],
      users: [
        { name: 'alice', kind: 'token' },
        { name: 'bob', kind: 'exec' },
      ],
    },
  ])
  expect(said).toEqual([])
})

test('an unchanged file costs no scribe, a changed one does', async () => {
  const path = settle(write(join(home.kube, 'config'), text))
  await expect
    .poll(async () => duration(() => kubeconfigs.outlines([path])), { timeout: 5_000 })
    .toBeLessThan(10)
  write(`${path}.new`, text.replace('current-context: dev', 'current-context: prod'))
  renameSync(`${path}.new`, path)
  expect(await kubeconfigs.outlines([path])).toMatchObject([{ currentContext: 'prod' }])
  rmSync(path)
  expect(await kubeconfigs.outlines([path])).toEqual([])
})

async function duration(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

test('many askers share one scribe', async () => {
  const path = write(join(home.kube, 'config'), text)
  const alone = await duration(() => kubeconfigs.outlines([path]))
  const together = await duration(() =>
    Promise.all(Array.from({ length: 50 }, () => kubeconfigs.outlines([path]))),
  )
  expect(together).toBeLessThan(alone * 8)
})

test('what is wrong with a file is told with its place', async () => {
  const path = write(
    join(home.kube, 'config'),
    'users:\n- name: a\n  user:\n    token: t0p-secret\n    token: again\n',
  )
  const failure = kubeconfigs.outlines([path])
  await expect(failure).rejects.toMatchObject({
    code: 'kubeconfig-invalid',
    message: expect.stringContaining(`${path}:5:5: `),
  })
  await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining('t0p-secret') })
  mkdirSync(join(home.kube, 'folder'))
  await expect(kubeconfigs.outlines([join(home.kube, 'folder')])).rejects.toMatchObject({
    code: 'kubeconfig-invalid',
  })
})

test('adopt goes through the port', async () => {
  const path = write(join(home.kube, 'größer', 'config'), text)
  const { job: _, ...order } = adoptJob(home, [path])
  const { report, outlines } = await kubeconfigs.adopt(order)
  expect(report.adopted).toMatchObject([{ file: path, user: 'alice', policy: 'default' }])
  expect(read(path)).not.toContain('a-secret-token')
  expect(outlines).toEqual(await kubeconfigs.outlines([path]))
  expect(outlines).toMatchObject([
    {
      users: [
        { name: 'alice', kind: 'ours', policy: 'default', credential: report.adopted[0]?.credential },
        {},
      ],
    },
  ])
})

test('a path that is no text is refused, and not taken for a missing file', async () => {
  const path = Buffer.from([0x2f, 0xff]).toString()
  await expect(kubeconfigs.outlines([path])).rejects.toMatchObject({ code: 'kubeconfig-invalid' })
})

/** Notes when it begins and when it ends. */
const slowScribe = `
const { appendFileSync, readFileSync } = require('node:fs')
const note = (what) => appendFileSync(__dirname + '/times', what)
note('+')
const { paths } = JSON.parse(readFileSync(0, 'utf8'))
setTimeout(() => {
  note('-')
  process.stdout.write(JSON.stringify({ ok: true, result: paths.map((path) => ({ path })) }))
}, 100)
`

test('many files at once: a few scribes at a time, and an answer for each; one that fails gives its place on', async () => {
  const slow = createKubeconfigs({ log, program: write(join(home.kube, 'slow.cjs'), slowScribe) })
  const paths = Array.from({ length: 20 }, (_, at) => settle(write(join(home.kube, `config-${at}`), text)))
  await Promise.all(paths.map((path) => slow.outlines([path])))
  const times = [...read(join(home.kube, 'times'))]
  expect(times).toHaveLength(40)
  let running = 0
  const atOnce = times.map((what) => (running += what === '+' ? 1 : -1))
  expect(Math.max(...atOnce)).toBeLessThanOrEqual(4)

  const broken = createKubeconfigs({ log, program: write(join(home.kube, 'broken.cjs'), 'process.exit(1)') })
  const answers = await Promise.allSettled(paths.map((path) => broken.outlines([path])))
  expect(answers.every(({ status }) => status === 'rejected')).toBe(true)
})
