import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { readGatewayPlace } from '../../../src/platform/vault/gateway-identity.ts'
import type { PolicySet } from '../../../src/domain/policy.ts'
import {
  adopt,
  bundledInFreshHomes,
  home,
  pendingItems,
  program,
  read,
  restore,
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
