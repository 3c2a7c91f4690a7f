import { join } from 'node:path'
import { statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { personIn } from '../fixtures/person.ts'
import type { Person } from '../fixtures/person.ts'
import { until } from '../fixtures/terminal.ts'
import type { TestHome } from '../fixtures/home.ts'
import { Client } from './client.ts'
import { boundToken } from './credentials.ts'
import { cluster, clusterHome, describeWithPods, kubectls, makeNamespace } from './fixture.ts'
import { startPod } from './pods.ts'

/** How long a client may take to go after `kubeguard lock` returned. */
const endedWithinMs = 1_000

interface Stream {
  readonly name: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** What is given to it once it runs; absent: nothing. */
  readonly typed?: string
  readonly works: RegExp
}

const spdy = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }
const protocols = { WebSocket: {}, SPDY: spdy }
/** Answers what it is told: `12` and a line shows that bytes go both ways. */
const answers = ['--', 'sh', '-c', 'echo up; while read -r n; do echo "sum $((n + 1))"; done']
const debug = [
  'debug',
  'web',
  `--image=${cluster.image}`,
  '--image-pull-policy=IfNotPresent',
  '--target=main',
]

const throughPipes: readonly Stream[] = [
  ...Object.entries(protocols).map(([protocol, env]) => ({
    name: `exec -i over ${protocol}`,
    args: ['exec', '-i', 'web', ...answers],
    env,
    typed: '12\n',
    works: /sum 13/,
  })),
  { name: 'attach', args: ['attach', 'web'], works: /web \d+\nweb \d+/ },
  { name: 'logs -f', args: ['logs', '-f', 'web', '--tail=1'], works: /web \d+\nweb \d+/ },
  { name: 'get -w', args: ['get', 'pods', '-w'], works: /Running/ },
]

/** Each leads to a shell in a pod. */
const onTerminal: readonly Omit<Stream, 'typed' | 'works'>[] = [
  ...Object.entries(protocols).map(([protocol, env]) => ({
    name: `exec -it over ${protocol}`,
    args: ['exec', '-it', 'web', '--', 'sh'],
    env,
  })),
  { name: 'attach -it', args: ['attach', '-it', 'shell'] },
  { name: 'debug -it', args: [...debug, '-it', '--', 'sh'] },
]

describeWithPods.each(kubectls)('$version', ({ path }) => {
  let home: TestHome
  const ends: (() => Promise<void>)[] = []

  beforeAll(async () => {
    const namespace = await makeNamespace((remove) => ends.push(remove))
    await startPod(namespace, 'web')
    await startPod(namespace, 'shell', { command: ['/bin/sh'], tty: true })
    home = clusterHome({
      namespace,
      credentials: { dev: { token: await boundToken(namespace) } },
      kubectl: path,
    })
    await home.init()
  })

  afterAll(async () => {
    await home.dispose()
    for (const end of ends) await end()
  })

  /** A shell that was there before us has asked already: Enter has it ask again. */
  async function shellOfPod(person: Person, from: number): Promise<void> {
    let enterAt = performance.now() + 1_000
    const asks = (): boolean => {
      const shown = person.output.slice(from)
      if (/code=\d/.test(shown)) throw new Error(shown)
      if (performance.now() > enterAt) {
        person.type('\r')
        enterAt += 1_000
      }
      return shown.includes('/ # ')
    }
    await until('the shell in the pod', asks, { withinMs: 60_000, now: () => person.output })
  }

  async function refusedWhileLocked(
    args: readonly string[],
    works: RegExp,
    env: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    const { code, stdout, stderr } = await home.kubectl(args, { env })
    expect({ code, stdout }).toEqual({ code: 77, stdout: '' })
    expect(stderr).toContain('kubeguard unlock')
    const real = await home.realKubectl(args, { env: { ...env, KUBEGUARD_PROMPT: 'never' } })
    expect(real.code).not.toBe(0)
    expect(real.stdout).not.toMatch(works)
  }

  async function endedByLock(client: Client): Promise<void> {
    await home.lock()
    const late = until('its end', () => false, { withinMs: endedWithinMs })
    expect(await Promise.race([client.ended, late])).not.toBe(0)
  }

  /** The variables are kubectl's to believe; what was agreed on is in the answer's headers (`-v=8`). */
  test.each(Object.entries(protocols))('what is called %s is spoken', async (protocol, env) => {
    const agreed = protocol === 'SPDY' ? /Upgrade: SPDY\/3\.1/i : /Upgrade: websocket/i
    await home.unlock('default')
    const exec = await home.kubectl(['-v=8', 'exec', 'web', '--', 'true'], { env })
    expect(exec).toMatchObject({ code: 0, stderr: expect.stringMatching(agreed) as string })
    const forward = new Client(home, ['-v=8', 'port-forward', 'pod/web', ':8080'], env)
    const [, address] = await forward.shows(/Forwarding from (127\.0\.0\.1:\d+)/)
    expect(await (await fetch(`http://${address}/`)).text()).toBe('web\n')
    await forward.shows(agreed)
    await endedByLock(forward)
  })

  test.each(throughPipes)(
    '$name: before, across and after a lock',
    async ({ args, env = {}, typed, works }) => {
      await home.unlock('default')
      const client = new Client(home, args, env)
      if (typed !== undefined) {
        await client.shows(/up/)
        client.write(typed)
      }
      await client.shows(works)
      await endedByLock(client)
      await refusedWhileLocked(args, works, env)
    },
  )

  test.each(onTerminal)('$name: before, across and after a lock', async ({ args, env = {} }) => {
    await home.unlock('default')
    using person = await personIn(home, env)
    const from = person.output.length
    person.type(`kubectl ${args.join(' ')}; echo "code"=$?\r`)
    await shellOfPod(person, from)
    await person.answer('echo $(tty | cut -c1-8)-on-$(hostname)', /\/dev\/pts-on-(web|shell)/)
    await home.lock()
    // With which code is kubectl's own affair: ended by TERM, `debug` says 0.
    await person.showsAfter(from, /code=\d+[\s\S]*ready> $/, endedWithinMs)
    const { shown } = await person.enter('stty -a')
    expect(shown).toMatch(/ icanon/)
    expect(shown).toMatch(/ echo /)
    await refusedWhileLocked(args, /\/ # /, env)
  })

  test.each(Object.entries(protocols))(
    'port-forward over %s: before, across and after a lock',
    async (_, env) => {
      const args = ['port-forward', 'pod/web', ':8080']
      await home.unlock('default')
      const client = new Client(home, args, env)
      const [, address] = await client.shows(/Forwarding from (127\.0\.0\.1:\d+)/)
      const ask = async (): Promise<string> => (await fetch(`http://${address}/`)).text()
      for (let round = 0; round < 5; round += 1) expect(await ask()).toBe('web\n')
      await endedByLock(client)
      await expect(ask()).rejects.toThrow('fetch failed')
      await refusedWhileLocked(args, /Forwarding/, env)
    },
  )

  test('cp: both ways, half a large file at a lock, none after it', async () => {
    await home.unlock('default')
    const [file, back, large] = ['file', 'back', 'large'].map((name) => join(home.home, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(file, 'some text\n'.repeat(100_000))
    expect(await home.kubectl(['cp', file, 'web:/tmp/file'])).toMatchObject({ code: 0 })
    expect(await home.kubectl(['cp', 'web:/tmp/file', back])).toMatchObject({ code: 0 })
    expect(await home.run('/usr/bin/cmp', [file, back])).toMatchObject({ code: 0 })
    const size = 4_000_000_000
    expect(
      await home.kubectl(['exec', 'web', '--', 'truncate', '-s', String(size), '/tmp/large']),
    ).toMatchObject({ code: 0 })
    const client = new Client(home, ['cp', 'web:/tmp/large', large])
    const copied = (): number => statSync(large, { throwIfNoEntry: false })?.size ?? 0
    await until('the first bytes', () => copied() > 0, { withinMs: 30_000, now: () => client.output })
    await endedByLock(client)
    expect(copied()).toBeLessThan(size)
    await refusedWhileLocked(['cp', 'web:/tmp/file', back], /./)
  })
})
