import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestHome } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import { Screen } from '../fixtures/screen.ts'
import { until } from '../fixtures/terminal.ts'
import { boundToken } from './credentials.ts'
import { clusterHome, cluster, makeNamespace } from './fixture.ts'
import { startPod } from './pods.ts'

/** The real one takes minutes to build (CONTRIBUTING.md): tried where it is there. */
const k9s = process.env['KUBEGUARD_TEST_K9S'] ?? ''

/** On a terminal, past every shim, as a launcher starts it. */
describe.runIf(k9s !== '' && cluster.noPods === undefined)('k9s behind a gateway', () => {
  let home: TestHome
  let namespace: string
  const ends: (() => Promise<void>)[] = []

  beforeAll(async () => {
    namespace = await makeNamespace((remove) => ends.push(remove))
    await startPod(namespace, 'web')
    const token = await boundToken(namespace)
    home = clusterHome({ namespace, credentials: { dev: { token } } })
    const deny = '    deny: [{verbs: [delete], resources: [pods]}]\n'
    writePolicy(home, { idle: '25s', more: `    access: gateway\n${deny}` })
    await home.init()
  })
  afterAll(async () => {
    await home.dispose()
    for (const end of ends) await end()
  })

  const isLocked = async (): Promise<boolean> =>
    /"lockReason": "idle"/.test((await home.kubeguard(['status', '--json'])).stdout)

  test('it shows pods and a refusal; its polling keeps nothing open; it goes on after an unlock', async () => {
    await home.unlock('default')
    const env = { ...home.env, TERM: 'xterm-256color' }
    using screen = new Screen(k9s, ['-n', namespace, '-c', 'pods', '--refresh', '2'], env, home.home)
    const shows = (what: string, pattern: RegExp, withinMs?: number): Promise<void> =>
      screen.until(what, ({ text }) => pattern.test(text), withinMs)
    await shows('a pod', /web .*Running/, 60_000)
    screen.type('\x04')
    await shows('its question', /Delete pods/)
    screen.type('\t')
    await shows('the question still', /OK/)
    screen.type('\r')
    await shows('the refusal', /Delete failed with `kubeguard: policy default denies this \(delete pods\)/)
    await until('a lock, though it asks all the while', isLocked, { withinMs: 90_000 })
    await startPod(namespace, 'after-the-lock')
    // What came after it is shown to nobody, until somebody unlocks.
    expect(screen.text).not.toContain('after-the-lock')
    await home.unlock('default')
    await shows('the pod that came meanwhile', /after-the-lock/, 120_000)
  }, 300_000)
})
