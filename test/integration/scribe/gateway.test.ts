import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readGatewayPlace } from '../../../src/platform/vault/gateway-identity.ts'
import type { PolicySet } from '../../../src/domain/policy.ts'
import type { RestoredItem } from '../../../src/platform/scribes/job.ts'
import type { VaultItem } from '../../../src/platform/vault/item.ts'
import {
  adopt,
  bundledInFreshHomes,
  home,
  pendingItems,
  program,
  read,
  restore,
  resultOf,
  run,
  write,
} from './scribe-fixture.ts'

bundledInFreshHomes()

/** As the home's rules, but `prod` has `access: gateway`. */
const policies = (): PolicySet =>
  home.policies.map((policy) => (policy.name === 'prod' ? { ...policy, access: 'gateway' } : policy))

const shared = `apiVersion: v1
clusters:
- name: Main Cluster # the one
  cluster:
    proxy-url: http://proxy:3128
    server: https://main:6443/k8s
    tls-server-name: main.internal
    certificate-authority-data: Y2E=
- cluster: {server: "https://spare:6443", insecure-skip-tls-verify: true}
  name: spare
contexts:
- name: prod-a
  context: {cluster: Main Cluster, user: alice}
- name: prod-b
  context:
    cluster: spare
    user: alice
- name: dev
  context:
    cluster: spare
    user: bob
users:
- name: alice
  user:
    token: token-a
- name: bob
  user:
    token: token-b
`

interface Parsed {
  clusters: { name: string; cluster: Record<string, string> }[]
  contexts: { name: string; context: { cluster: string; user: string } }[]
}

test('contexts are pointed to the gateway; their clusters stay for others, and are sealed as they were', async () => {
  const path = write(join(home.kube, 'config'), shared)
  const report = await adopt(program, home, [path], { policies: policies() })
  expect(report.adopted.map(({ user, strength }) => [user, strength])).toEqual([
    ['alice', 'cluster'],
    ['bob', 'local'],
  ])
  const { port, caPem } = readGatewayPlace(home.vaults, 'prod') ?? { port: 0, caPem: '' }
  expect(port).toBeGreaterThanOrEqual(20_000)
  expect(readGatewayPlace(home.vaults, 'default')).toBeUndefined()
  const { clusters, contexts } = parse(read(path)) as Parsed
  expect(contexts.map(({ context }) => context.cluster)).toEqual([
    'Main Cluster-kubeguard-prod',
    'spare-kubeguard-prod',
    'spare',
  ])
  expect(clusters.map(({ name }) => name)).toEqual([
    'Main Cluster',
    'Main Cluster-kubeguard-prod',
    'spare',
    'spare-kubeguard-prod',
  ])
  expect(Object.keys(clusters[1]?.cluster ?? {})).toEqual(['server', 'certificate-authority-data'])
  expect(clusters[1]?.cluster['server']).toMatch(
    new RegExp(`^https://127.0.0.1:${port}/main-cluster-[0-9a-f]{8}$`),
  )
  expect(Buffer.from(clusters[3]?.cluster['certificate-authority-data'] ?? '', 'base64').toString()).toBe(
    caPem,
  )
  const items = await pendingItems(home)
  const alice = items.find(({ user }) => user === 'alice')
  expect(alice?.upstreams).toEqual([
    {
      slug: expect.stringMatching(/^main-cluster-/) as string,
      server: 'https://main:6443/k8s',
      caPem: 'ca',
      tlsServerName: 'main.internal',
      proxyUrl: 'http://proxy:3128',
    },
    { slug: expect.stringMatching(/^spare-/) as string, server: 'https://spare:6443', skipsVerify: true },
  ])
  expect(items.find(({ user }) => user === 'bob')?.upstreams).toBeUndefined()
  const adopted = read(path)
  expect((await adopt(program, home, [path], { policies: policies() })).adopted).toEqual([])
  expect(read(path)).toBe(adopted)
  await restore(program, home, items)
  expect(read(path)).toBe(shared)
})

test('a token that is fetched anew goes behind the same gateway, before the cluster that is named now', async () => {
  const path = write(join(home.kube, 'config'), shared)
  await adopt(program, home, [path], { policies: policies() })
  // As after a reset: the vault, and so the gateway, is another one.
  for (const name of ['gateway.age', 'gateway.json']) rmSync(join(home.vaults, 'prod', name))
  const text = read(path).replace('https://main:6443/k8s', 'https://moved:6443')
  write(path, text.replace(/ {4}exec:\n(?: {6}.*\n)+(?=- name: bob)/, '    token: token-new\n'))
  expect((await adopt(program, home, [path], { policies: policies() })).adopted).toHaveLength(1)
  const alice = (await pendingItems(home)).find(({ token }) => token === 'token-new')
  expect(alice?.upstreams?.map(({ server }) => server)).toEqual(['https://moved:6443', 'https://spare:6443'])
  const { clusters, contexts } = parse(read(path)) as Parsed
  expect(clusters).toHaveLength(4)
  expect(clusters[1]?.cluster['server']).toContain(`:${String(readGatewayPlace(home.vaults, 'prod')?.port)}/`)
  expect(contexts[0]?.context.cluster).toBe('Main Cluster-kubeguard-prod')
})

test('what a gateway can’t stand before stays as it is, and is said', async () => {
  const cases = [
    ['server: https://main:6443/k8s', 'server: http://main:6443', 'a gateway needs an https server'],
    [
      'proxy-url: http://proxy:3128',
      'proxy-url: socks5://p:1',
      'a gateway takes http and https proxies alone',
    ],
    ['certificate-authority-data: Y2E=', 'certificate-authority: gone.pem', 'can’t be read'],
    [
      'cluster: Main Cluster,',
      'cluster: elsewhere,',
      'cluster elsewhere of context prod-a is not in this file',
    ],
  ] as const
  const paths = cases.map(([from, to], at) => {
    const text = shared.replace(from, to).replaceAll(/alice/g, `alice-${at}`).replaceAll(/bob/g, `bob-${at}`)
    return write(join(home.kube, String(at)), text)
  })
  const before = paths.map(read)
  const users = cases.map((_, at) => `alice-${at}`)
  const report = await adopt(program, home, paths, { policies: policies(), users })
  expect(report.adopted).toEqual([])
  cases.forEach(([, , why], at) => expect(report.left[at]?.advice.join()).toContain(why))
  expect(paths.map(read)).toEqual(before)
})

test('a cluster that is gone when its user is to be put back keeps the credential in the vault', async () => {
  const path = write(join(home.kube, 'config'), shared)
  await adopt(program, home, [path], { policies: policies(), users: ['alice'] })
  const items = await pendingItems(home)
  write(path, read(path).replace('name: Main Cluster # the one', 'name: renamed'))
  const [restored] = await restore(program, home, items)
  expect(restored).toMatchObject({ ok: false, code: 'credential-unknown' })
})

describe('a policy whose access has changed', () => {
  const before = shared.replace('    proxy-url: http://proxy:3128\n', '')

  async function moveTo(access: 'plugin' | 'gateway'): Promise<RestoredItem[]> {
    const items = (await pendingItems(home)).filter(({ policy }) => policy === 'prod')
    const job = { job: 'move', items, policy: 'prod', access, paths: [path] } as const
    return resultOf(await run<RestoredItem[]>(program, home, job))
  }

  let path: string
  beforeEach(() => {
    path = write(join(home.kube, 'config'), before)
  })
  const aliceOf = async (): Promise<VaultItem | undefined> =>
    (await pendingItems(home)).find(({ user }) => user === 'alice')
  const clustersOf = (): string[] =>
    (parse(read(path)) as Parsed).contexts.map(({ context }) => context.cluster)

  test('is shown with the servers, and takes one move each way; the file is as if it had always been so', async () => {
    await adopt(program, home, [path])
    const plain = read(path)
    const shown = await adopt(program, home, [path], { policies: policies(), dryRun: true })
    expect(shown.toMove).toEqual([
      {
        file: path,
        user: 'alice',
        policy: 'prod',
        access: 'gateway',
        servers: ['https://main:6443/k8s', 'https://spare:6443'],
      },
    ])
    expect(shown.diff).toContain('Main Cluster-kubeguard-prod')
    // No word of it is written without the passphrase.
    expect((await adopt(program, home, [path], { policies: policies() })).toMove).toHaveLength(1)
    expect(read(path)).toBe(plain)
    expect(await moveTo('gateway')).toMatchObject([{ ok: true, user: 'alice' }])
    expect(clustersOf()).toEqual(['Main Cluster-kubeguard-prod', 'spare-kubeguard-prod', 'spare'])
    expect(await aliceOf()).toMatchObject({
      token: 'token-a',
      upstreams: [{ caPem: 'ca' }, { skipsVerify: true }],
    })
    expect((await adopt(program, home, [path], { policies: policies() })).toMove).toEqual([])
    expect(await moveTo('gateway')).toEqual([])
    const behind = read(path)
    expect((await adopt(program, home, [path], { dryRun: true })).toMove).toMatchObject([
      { access: 'plugin' },
    ])
    expect(await moveTo('plugin')).toMatchObject([{ ok: true }])
    expect(read(path)).toBe(plain)
    expect((await aliceOf())?.upstreams).toBeUndefined()
    await moveTo('gateway')
    expect(read(path)).toBe(behind)
    await restore(program, home, await pendingItems(home))
    expect(read(path)).toBe(before)
  })

  test('a cluster that was made to lead elsewhere since is not sealed, nor is one that is new', async () => {
    // One cluster, whose certificate is checked: where it leads was sealed with the token.
    write(path, before.replace('cluster: spare\n    user: alice', 'cluster: Main Cluster\n    user: alice'))
    await adopt(program, home, [path])
    const adopted = read(path)
    for (const changed of [
      adopted.replace('https://main:6443', 'https://thief:6443'),
      adopted.replace('Y2E=', 'dGhpZWY='),
      adopted.replace('main.internal', 'thief.internal'),
      adopted.replace('    tls-server-name', '    proxy-url: http://thief:1\n    tls-server-name'),
      adopted.replace('    tls-server-name', '    insecure-skip-tls-verify: true\n    tls-server-name'),
      adopted.replace('cluster: Main Cluster\n    user: alice', 'cluster: spare\n    user: alice'),
    ]) {
      expect(changed).not.toBe(adopted)
      write(path, changed)
      expect(await moveTo('gateway')).toMatchObject([
        { ok: false, message: expect.stringContaining('is not where it led') as string },
      ])
      expect(read(path)).toBe(changed)
    }
    write(path, adopted)
    expect(await moveTo('gateway')).toMatchObject([{ ok: true }])
    write(path, read(path).replace('https://main:6443', 'https://thief:6443'))
    expect(await moveTo('plugin')).toMatchObject([
      { ok: false, message: expect.stringContaining('is not where it led') as string },
    ])
    expect((await aliceOf())?.upstreams).toMatchObject([{ server: 'https://main:6443/k8s' }])
  })

  test('what can’t be moved stays as it is, says why, and asks for no passphrase', async () => {
    await adopt(program, home, [path])
    write(path, read(path).replace('https://main', 'http://main'))
    const { toMove, left } = await adopt(program, home, [path], { policies: policies() })
    expect(toMove).toEqual([])
    expect(left.find(({ user }) => user === 'alice')?.advice).toEqual([
      'left as it is: cluster Main Cluster: a gateway needs an https server',
    ])
  })
})
