import { expect, test } from 'vitest'
import { good } from '../fixtures/home.ts'
import type { Run } from '../fixtures/run-program.ts'
import { personIn } from '../fixtures/person.ts'
import { until } from '../fixtures/terminal.ts'
import { helm } from '../fixtures/tools.ts'
import { boundToken } from './credentials.ts'
import { admin, adminGet, cluster, clusterHome, makeNamespace } from './fixture.ts'

const chart = new URL('chart', import.meta.url).pathname
/** A deployment of nothing is ready at once. */
const replicas = cluster.noPods === undefined ? 1 : 0

/** `helm upgrade` of the chart with this page, waiting until it is ready. */
function upgrade(page: string, ...more: string[]): string[] {
  const set = `image=${cluster.image},page=${page},replicas=${replicas}`
  return ['upgrade', 'web', chart, '--wait', '--timeout', '100s', '--set', set, ...more]
}

/** Any of helm's verbs that can't come to its end. */
const stuck = ['--set', 'stuck=true', '--set', 'replicas=1']
const waits = ['--wait', '--timeout', '100s']
/** Keeps an object that was deleted until it is taken away. */
const finalizers = (names: readonly string[]): string[] => [
  'patch',
  'configmap',
  'web',
  '--type=merge',
  '-p',
  JSON.stringify({ metadata: { finalizers: names } }),
]

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
  readonly data: Record<string, string>
}

test('helm install, upgrade, rollback and uninstall: before, across and after a lock', async () => {
  const namespace = await makeNamespace()
  await using home = clusterHome({ namespace, credentials: { dev: { token: await boundToken(namespace) } } })
  await home.init()
  const run = (args: readonly string[]): Promise<Run> =>
    home.run(helm(), args, { env: { KUBEGUARD_PROMPT: 'never' }, timeoutMs: 120_000 })
  const map = async (name = 'web'): Promise<ConfigMap | undefined> => {
    const { items } = await adminGet<{ items: ConfigMap[] }>('configmaps', '-n', namespace)
    return items.find(({ metadata }) => metadata.name === name)
  }
  const page = async (name?: string): Promise<string | undefined> => (await map(name))?.data['index.html']
  const revisions = async (): Promise<number> =>
    (await adminGet<{ items: unknown[] }>('secrets', '-l', 'owner=helm,name=web', '-n', namespace)).items
      .length
  using person = await personIn(home)

  /** Locks while it is at work: it is ended, and refused from then on. */
  async function acrossLock(args: readonly string[], begun: () => Promise<boolean>): Promise<void> {
    const from = person.output.length
    person.type(`${helm()} ${args.join(' ')}; echo "code"=$?\r`)
    await until(`helm ${args[0]} at work`, begun, { withinMs: 60_000, now: () => person.output })
    await home.lock()
    await person.showsAfter(from, /code=[1-9]\d*[\s\S]*ready> $/, 1_000)
    for (const refused of [['list'], args]) {
      const { code, stderr } = await run(refused)
      expect(code).not.toBe(0)
      expect(stderr).toContain('kubeguard unlock')
    }
    await home.unlock('default')
  }

  await home.unlock('default')
  good(await run(upgrade('one', '--install')))
  good(await run(upgrade('two')))
  expect(await page()).toBe('two')

  const values = `image=${cluster.image},page=first`
  await acrossLock(
    ['install', 'other', chart, ...waits, '--set', values, ...stuck],
    async () => (await page('other')) === 'first',
  )
  good(await run(['uninstall', 'other', '--wait']))
  expect(await map('other')).toBeUndefined()

  await acrossLock(upgrade('three', ...stuck), async () => (await page()) === 'three')
  expect(await revisions()).toBe(3)
  good(await run(['rollback', 'web', '1', ...waits]))
  expect(await page()).toBe('one')

  await acrossLock(['rollback', 'web', '3', ...waits], async () => (await page()) === 'three')
  good(await run(['rollback', 'web', '1', ...waits]))
  expect(await page()).toBe('one')

  await admin([...finalizers(['kubeguard.test/stays']), '-n', namespace])
  await acrossLock(
    ['uninstall', 'web', ...waits],
    async () => (await map())?.metadata.deletionTimestamp !== undefined,
  )
  await admin([...finalizers([]), '-n', namespace])
  good(await run(['uninstall', 'web', '--wait']))
  expect(await revisions()).toBe(0)
  expect(await map()).toBeUndefined()
})
