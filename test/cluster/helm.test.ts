import { expect, test } from 'vitest'
import { good } from '../fixtures/home.ts'
import type { Run } from '../fixtures/run-program.ts'
import { personIn } from '../fixtures/person.ts'
import { until } from '../fixtures/terminal.ts'
import { helm } from '../fixtures/tools.ts'
import { boundToken } from './credentials.ts'
import { adminGet, cluster, clusterHome, makeNamespace } from './fixture.ts'

const chart = new URL('chart', import.meta.url).pathname
/** A deployment of nothing is ready at once. */
const replicas = cluster.noPods === undefined ? 1 : 0

/** `helm upgrade` of the chart with this page, waiting until it is ready. */
function upgrade(page: string, ...more: string[]): string[] {
  const set = `image=${cluster.image},page=${page},replicas=${replicas}`
  return ['upgrade', 'web', chart, '--wait', '--timeout', '100s', '--set', set, ...more]
}

test('helm install, upgrade, rollback and uninstall: before, across and after a lock', async () => {
  const namespace = await makeNamespace()
  await using home = clusterHome({ namespace, credentials: { dev: { token: await boundToken(namespace) } } })
  await home.init()
  const run = (args: readonly string[]): Promise<Run> =>
    home.run(helm(), args, { env: { KUBEGUARD_PROMPT: 'never' }, timeoutMs: 120_000 })
  const page = async (): Promise<string | undefined> =>
    (await adminGet<{ data: Record<string, string> }>('configmap', 'web', '-n', namespace)).data['index.html']
  const revisions = async (): Promise<number> =>
    (await adminGet<{ items: unknown[] }>('secrets', '-l', 'owner=helm', '-n', namespace)).items.length

  await home.unlock('default')
  good(await run(upgrade('one', '--install')))
  good(await run(upgrade('two')))
  expect(await page()).toBe('two')

  using person = await personIn(home)
  const from = person.output.length
  // A deployment that is to have a pod, and never a ready one.
  const stuck = upgrade('three', '--set', 'stuck=true', '--set', 'replicas=1')
  person.type(`${helm()} ${stuck.join(' ')}; echo "code"=$?\r`)
  await until('the third page', async () => (await page()) === 'three', {
    withinMs: 30_000,
    now: () => person.output,
  })
  await home.lock()
  await person.showsAfter(from, /code=[1-9]\d*[\s\S]*ready> $/, 1_000)

  for (const args of [['list'], upgrade('four'), ['rollback', 'web', '1'], ['uninstall', 'web']]) {
    const refused = await run(args)
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('kubeguard unlock')
  }
  expect(await page()).toBe('three')
  expect(await revisions()).toBe(3)

  await home.unlock('default')
  good(await run(['rollback', 'web', '1', '--wait', '--timeout', '100s']))
  expect(await page()).toBe('one')
  good(await run(['uninstall', 'web', '--wait']))
  expect(await revisions()).toBe(0)
})
