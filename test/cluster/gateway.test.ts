import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { fetchBinaries, fetchOlderKubectl, toolsFolder } from '../../scripts/test-tools.mjs'
import { good } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import type { Run } from '../fixtures/run-program.ts'
import { helm } from '../fixtures/tools.ts'
import { Client } from './client.ts'
import { boundToken } from './credentials.ts'
import { clusterHome, describeWithPods, kubectls, kubectlsIn, makeNamespace } from './fixture.ts'
import { startPod } from './pods.ts'

/** The newest, and with it whatever else of the minors before it can be had. */
fetchBinaries()
const minors = await kubectlsIn([
  ...kubectls.map(({ path }) => dirname(path)),
  toolsFolder(),
  fetchOlderKubectl('1.32'),
])
const newest = minors[0]?.path ?? ''
const chart = new URL('chart', import.meta.url).pathname
const quiet = { KUBEGUARD_PROMPT: 'never' }
const cure = /kubeguard unlock default/

/** The real API server and kubelet, asked by clients that no shim stands before, through pipes: no lock ends them by a signal. */
describeWithPods('behind a gateway', () => {
  let home: TestHome
  let namespace: string
  const ends: (() => Promise<void>)[] = []

  beforeAll(async () => {
    namespace = await makeNamespace((remove) => ends.push(remove))
    await startPod(namespace, 'web')
    const credentials = { dev: { token: await boundToken(namespace) } }
    home = clusterHome({ namespace, credentials, kubectl: newest })
    writePolicy(home, { idle: '10m', more: '    access: gateway\n' })
    await home.init()
  })
  beforeEach(() => home.unlock('default'))
  afterAll(async () => {
    await home.dispose()
    for (const end of ends) await end()
  })

  const run = (args: readonly string[], input = '', program = newest): Promise<Run> =>
    home.run(program, args, { input, env: quiet, timeoutMs: 60_000 })

  function start(program: readonly [string, ...string[]], args: readonly string[], env = {}): Client {
    const client = new Client(home, args, { ...quiet, ...env }, program)
    onTestFinished(() => client.kill())
    return client
  }

  describe.each(minors)('$version', ({ path }) => {
    test('exec, attach, logs -f, port-forward and a watch work, and a lock cuts them all', async () => {
      const spdy = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }
      for (const env of [{}, spdy]) {
        const said = await home.run(path, ['exec', 'web', '--', 'sh', '-c', 'echo out; exit 3'], { env })
        expect(said).toMatchObject({ code: 3, stdout: 'out\n' })
      }
      const clients = [
        start([path], ['exec', '-i', 'web', '--', 'cat']),
        start([path], ['exec', '-i', 'web', '--', 'cat'], spdy),
        start([path], ['attach', 'web']),
        start([path], ['logs', '-f', 'web', '--tail=1']),
        start([path], ['get', 'pods', '-w']),
        start([path], ['port-forward', 'pod/web', ':8080']),
      ] as const
      const [exec, overSpdy, attach, logs, watch, forward] = clients
      for (const client of [exec, overSpdy]) client.write('hello\n')
      await Promise.all([
        ...[exec, overSpdy].map((client) => client.shows(/hello/)),
        ...[attach, logs].map((client) => client.shows(/web \d+\nweb \d+/)),
        watch.shows(/Running/),
      ])
      const [, address] = await forward.shows(/Forwarding from (127\.0\.0\.1:\d+)/)
      expect(await (await fetch(`http://${address}/`)).text()).toBe('web\n')
      await home.lock()
      const codes = await Promise.all(clients.slice(0, -1).map((client) => client.ended))
      // kubectl shows what a watch says last, and leaves with 0 whatever it is; so it does of exec over a SPDY connection that ends.
      expect(codes.map((code) => code === 0)).toEqual([false, true, false, false, true])
      for (const client of [exec, watch])
        expect(client.output).toMatch(/default is locked, and this was ended/)
      await forward.shows(/lost connection to pod/)
      await expect(fetch(`http://${address}/`)).rejects.toThrow('fetch failed')
      const next = await run(['get', 'pods'], '', path)
      expect(next).toMatchObject({ stdout: '', stderr: expect.stringMatching(cure) as string })
      expect(next.code).not.toBe(0)
    })
  })

  test('port-forward of 100 connections: each its own bytes', async () => {
    const forward = start([newest], ['port-forward', 'pod/web', ':8080'])
    const [, address] = await forward.shows(/Forwarding from (127\.0\.0\.1:\d+)/)
    const ask = async (): Promise<string> =>
      (await fetch(`http://${address}/`, { headers: { connection: 'close' } })).text()
    const answers = await Promise.all(Array.from({ length: 100 }, ask))
    expect(answers).toEqual(Array.from({ length: 100 }, () => 'web\n'))
  })

  test('apply --server-side, its conflicts, and lists in chunks', async () => {
    const map = (name: string, value: string): object => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data: { value },
    })
    const apply = (object: object, ...more: string[]): Promise<Run> =>
      run(['apply', '--server-side', ...more, '-f', '-'], JSON.stringify(object))
    expect(good(await apply(map('own', 'one'))).stdout).toBe('configmap/own serverside-applied\n')
    const conflict = await apply(map('own', 'two'), '--field-manager=other')
    expect(conflict).toMatchObject({ code: 1, stderr: expect.stringContaining('conflict') as string })
    good(await apply(map('own', 'two'), '--field-manager=other', '--force-conflicts'))
    const items = Array.from({ length: 30 }, (_, at) => map(`map-${at}`, String(at)))
    good(await apply({ apiVersion: 'v1', kind: 'List', items }))
    const listed = good(await run(['get', 'configmaps', '--chunk-size=7', '-o', 'name', '-v=8']))
    expect(listed.stdout.match(/configmap\/map-\d+/g)).toHaveLength(30)
    expect(listed.stderr.match(/continue=[^&]+&limit=7/g)?.length).toBeGreaterThan(3)
    expect(good(await run(['api-resources', '-o', 'name'])).stdout).toContain('configmaps')
  })

  test('helm: install, list, uninstall', async () => {
    const ask = (...args: string[]): Promise<Run> => run(args, '', helm())
    good(await ask('install', 'web', chart, '--set', 'replicas=0,image=none,page=one'))
    expect(good(await ask('list', '-o', 'json')).stdout).toContain('"status":"deployed"')
    good(await ask('uninstall', 'web'))
    await home.lock()
    expect((await ask('list')).stderr).toMatch(cure)
  })

  test('@kubernetes/client-node: lists, writes, watches, and is cut like any other', async () => {
    const script = join(import.meta.dirname, 'node-client.mjs')
    const begin = (): Client => start([process.execPath, script], [namespace])
    const client = begin()
    await client.shows(/^pods web$/m)
    await client.shows(/^ADDED by-node$/m)
    await home.lock()
    await client.shows(/^ERROR kubeguard: default is locked, and this was ended/m)
    // Its pass is not over by its own word; nobody is there who would take it.
    await client.shows(/^ended [\s\S]*^refused fetch failed/m)
    expect(await client.ended).toBe(0)
    const next = begin()
    await next.shows(cure)
    expect(await next.ended).not.toBe(0)
  })
})
