import { expect, test, describe } from 'vitest'
import { stringify } from 'yaml'
import { boundToken } from './credentials.ts'
import { admin, clusterHome, kubectls, makeNamespace } from './fixture.ts'
import { sessionOf } from '../fixtures/held-home.ts'
import type { TestHome } from '../fixtures/home.ts'
import type { Run } from '../fixtures/run-program.ts'
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
    const apply = (value: string, args = applyArgs) => home.kubectl(args, { input: manifest(value), ...slow })
    const seen = async (): Promise<string[]> =>
      (await admin(['get', 'configmaps', '-n', namespace, ...printed])).stdout.split(' ').filter(Boolean)

    /** Locks when it is half-way; without a terminal it might be streaming, so it is ended. */
    async function acrossLock(running: Promise<Run>, begun: () => Promise<boolean>): Promise<Run> {
      await until('it at work', begun, { withinMs: 30_000 })
      await home.lock()
      const ended = await running
      expect(ended.code).not.toBe(0)
      return ended
    }

    await home.unlock('default')
    expect((await apply('one')).stdout.trim().split('\n')).toHaveLength(count)
    expect(await values(home)).toEqual(names.map(() => 'one'))

    // One by one: of 500 requests kubectl sends 50 a second once it has sent 300.
    const list = ['get', 'configmaps', '-l', 'of=test', '-o', 'name', '--chunk-size=1']
    const isListing = async (): Promise<boolean> => (await sessionOf(home)).live.length > 0
    const listed = await acrossLock(home.kubectl(list, slow), isListing)
    expect(listed.stdout.split('\n').length).toBeLessThan(count)

    // Merged at the client it takes its time.
    await home.unlock('default')
    const changed = async (): Promise<number> => (await seen()).filter((value) => value === 'two').length
    await acrossLock(apply('two', ['apply', '-f', '-']), async () => (await changed()) > 0)
    const applied = await changed()
    expect(applied).toBeLessThan(count)

    for (const refused of [await home.kubectl(list), await apply('three'), await home.kubectl(remove)]) {
      expect(refused).toMatchObject({ code: 77, stdout: '' })
    }
    expect(await changed()).toBe(applied)
    expect(await seen()).toHaveLength(count)

    await home.unlock('default')
    await acrossLock(home.kubectl(remove, slow), async () => (await seen()).length < count)
    const left = (await seen()).length
    expect(left).toBeGreaterThan(0)
    expect(await home.kubectl(remove)).toMatchObject({ code: 77 })
    expect(await seen()).toHaveLength(left)

    await home.unlock('default')
    expect(await apply('three')).toMatchObject({ code: 0 })
    expect(await values(home)).toEqual(names.map(() => 'three'))
    const gone = await home.kubectl(remove, slow)
    expect(gone.stdout.trim().split('\n')).toHaveLength(count)
    expect(await values(home)).toEqual([])
  })
})
