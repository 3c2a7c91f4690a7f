import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { TestHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { kubectl } from '../../fixtures/tools.ts'
import { gatewayHome } from './gateway-home.ts'

const context = ['--context', 'prod-playground']

interface Entry {
  readonly event: string
  readonly policy: string
  readonly details: Readonly<Record<string, string | number>>
}

let home: TestHome

beforeAll(async () => {
  home = await gatewayHome()
  await home.unlock('prod')
}, 120_000)
afterAll(() => home.dispose())

async function requests(...more: string[]): Promise<Entry[]> {
  const { code, stdout, stderr } = await home.kubeguard(['log', '--requests', '--json', ...more])
  expect([code, stderr]).toEqual([0, ''])
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Entry)
}

const found = (entries: readonly Entry[], wanted: Entry['details']): Entry | undefined =>
  entries.find(({ details }) => Object.entries(wanted).every(([name, value]) => details[name] === value))

/** Waits for an entry: it is told when a client has its answer already. */
const entryOf = (wanted: Entry['details']): Promise<Entry> =>
  until(JSON.stringify(wanted), async () => found(await requests(), wanted))

test('what was asked, by what, with which end: never what was in it', async () => {
  const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: noted}\ndata: {a: a-body-of-a-request}\n'
  expect((await home.realKubectl(['apply', '-f', '-', ...context], { input: map })).code).toBe(0)
  expect((await home.realKubectl(['delete', 'configmap', 'noted', ...context])).code).toBe(0)
  expect((await home.realKubectl(['get', 'pod', 'nope', ...context])).code).toBe(1)
  const { details, policy, event } = await entryOf({ verb: 'create', resource: 'configmaps' })
  expect({ event, policy }).toEqual({ event: 'request', policy: 'prod' })
  expect(details).toMatchObject({ namespace: 'default', program: 'kubectl', code: 201 })
  expect(details['sent']).toBeGreaterThan(100)
  expect(details['received']).toBeGreaterThan(100)
  expect(details['ms']).toBeGreaterThanOrEqual(0)
  await entryOf({ verb: 'delete', resource: 'configmaps', name: 'noted', code: 200 })
  await entryOf({ verb: 'get', resource: 'pods', name: 'nope', code: 404 })
  expect(JSON.stringify(await requests())).not.toContain('a-body-of-a-request')
  const { stdout } = await home.kubeguard(['log', '--requests'])
  expect(stdout).toMatch(
    /^\S+ \S+ {2}prod {2}kubectl \(\d+\) {2}delete configmaps default\/noted {2}200 {2}[^ ]+ k?B up, /m,
  )
})

test('a stream is there while it runs, and stands there after the lock that ended it', async () => {
  const shell = spawn(kubectl(), [...context, 'exec', '-i', 'web-0', '--', 'sh', '-c', 'cat; # words'], {
    env: home.env,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  onTestFinished(() => void shell.kill('SIGKILL'))
  const { details } = await entryOf({ resource: 'pods/exec', name: 'web-0', code: 101 })
  expect(details).not.toHaveProperty('ms')
  expect(JSON.stringify(details)).not.toContain('words')
  const before = await requests()
  await home.lock()
  expect(await requests()).toEqual(before)
  await home.unlock('prod')
})

test('what a lock cuts as soon as it has begun is there, too', async () => {
  const path = '/api/v1/namespaces/default/pods?watch=true'
  const watch = spawn(kubectl(), [...context, 'get', '--raw', path], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void watch.kill('SIGKILL'))
  await once(watch.stdout, 'data')
  await home.lock()
  const { details } = await entryOf({ verb: 'watch', resource: 'pods' })
  expect(details).not.toHaveProperty('ms')
  await home.unlock('prod')
})

test('the journal of what was decided has none of them, and is whole', async () => {
  const { stdout } = await home.kubeguard(['log', '--json'])
  expect(stdout).toContain('"event":"unlocked"')
  expect(stdout).not.toContain('"event":"request"')
  expect((await home.kubeguard(['log', 'verify'])).code).toBe(0)
  expect(await requests('--session', 'default')).toEqual([])
  expect((await requests('--session', 'prod')).length).toBeGreaterThan(3)
})
