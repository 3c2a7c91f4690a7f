import { expect, test, describe } from 'vitest'
import { stringify } from 'yaml'
import { boundToken } from './credentials.ts'
import { admin, clusterHome, kubectls, makeNamespace } from './fixture.ts'
import type { TestHome } from '../fixtures/home.ts'
import { until } from '../fixtures/terminal.ts'

const count = 500
const names = Array.from({ length: count }, (_, number) => `object-${number}`)
const manifest = (value: string): string =>
  names
    .map((name) =>
      stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, labels: { of: 'test' } },
        data: { value },
      }),
    )
    .join('---\n')

const slow = { timeoutMs: 120_000 }
const applyArgs = ['apply', '--server-side', '-f', '-']
// Waiting for each to be gone is 5 questions a second, at kubectl's own limit.
const remove = ['delete', 'configmaps', '-l', 'of=test', '--wait=false']
const printed = ['-l', 'of=test', '-o', 'jsonpath={.items[*].data.value}']
const values = async (home: TestHome): Promise<string[]> =>
  (await home.kubectl(['get', 'configmaps', ...printed])).stdout.split(' ').filter(Boolean)

describe.each(kubectls)('$version', ({ path }) => {
  test(`get, apply and delete ${count} objects: before, across and after a lock`, async () => {
    const namespace = await makeNamespace()
    const credentials = { dev: { token: await boundToken(namespace) } }
    await using home = clusterHome({ namespace, credentials, kubectl: path })
    await home.init()
    await home.unlock('default')

    const apply = (value: string, args = applyArgs) => home.kubectl(args, { input: manifest(value), ...slow })
    expect((await apply('one')).stdout.trim().split('\n')).toHaveLength(count)
    expect(await values(home)).toEqual(names.map(() => 'one'))

    // Merged at the client it takes its time; without a terminal it might be streaming, so the lock ends it half-way.
    const across = apply('two', ['apply', '-f', '-'])
    const changed = async (): Promise<number> =>
      (await admin(['get', 'configmaps', '-n', namespace, ...printed])).stdout.split('two').length - 1
    await until('the first changes', async () => (await changed()) > 0, { withinMs: 30_000 })
    await home.lock()
    const atLock = await changed()
    expect((await across).code).not.toBe(0)
    expect(await changed()).toBeLessThan(count)
    expect(await changed()).toBeLessThanOrEqual(atLock + 1)

    const locked = await home.kubectl(remove)
    expect(locked.code).toBe(77)
    await home.unlock('default')
    expect(await values(home)).toHaveLength(count)

    expect(await apply('three')).toMatchObject({ code: 0 })
    expect(await values(home)).toEqual(names.map(() => 'three'))
    const gone = await home.kubectl(remove, slow)
    expect(gone.stdout.trim().split('\n')).toHaveLength(count)
    expect(await values(home)).toEqual([])
  })
})
