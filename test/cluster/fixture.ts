import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { describe, inject, onTestFinished } from 'vitest'
import { good, makeHome } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import { runProgram } from '../fixtures/run-program.ts'
import type { Account, Run } from '../fixtures/run-program.ts'
import { repository } from '../fixtures/terminal.ts'

/** The cluster under test. */
export const cluster = inject('cluster')

interface Kubectl {
  readonly version: string
  readonly path: string
}

/** The real kubectls of these folders, each once, with its version as a title. */
export function kubectlsIn(folders: readonly string[]): Promise<Kubectl[]> {
  const describing = [...new Set(folders)].map(async (folder) => {
    const path = join(folder, 'kubectl')
    const { stdout } = good(await runProgram(path, ['version', '--client', '-o', 'json'], { env: {} }))
    const { clientVersion } = JSON.parse(stdout) as { clientVersion: { gitVersion: string } }
    return { version: `kubectl ${clientVersion.gitVersion}`, path }
  })
  return Promise.all(describing)
}

/** For `describe.each(kubectls)('$version', …)`. */
export const kubectls = await kubectlsIn(cluster.kubectls)
/** What the administrator's kubectl remembers of the cluster. */
const cacheFolder = join(repository, 'node_modules', '.cache', 'kubeguard-test', 'kubectl')
const newest = kubectls[0]?.path ?? ''

/** A suite that needs a pod to run: reported as skipped, with its count, where nothing can. */
export const describeWithPods = cluster.noPods === undefined ? describe : describe.skip

/** The cluster's administrator, past everything of ours. @throws Error with what kubectl said. */
export async function admin(args: readonly string[], input?: string): Promise<Run> {
  const env = { KUBECONFIG: cluster.kubeconfig, KUBECACHEDIR: cacheFolder }
  return good(await runProgram(newest, args, { env, input, timeoutMs: 120_000 }))
}

/** @returns what the administrator sees of it. */
export async function adminGet<T>(...args: string[]): Promise<T> {
  return JSON.parse((await admin(['get', ...args, '-o', 'json'])).stdout) as T
}

/** Makes a namespace for one suite or test; it goes when `atEnd` runs what it was given. */
export async function makeNamespace(
  atEnd: (remove: () => Promise<void>) => void = onTestFinished,
): Promise<string> {
  const name = `kg-${randomBytes(4).toString('hex')}`
  await admin(['create', 'namespace', name])
  atEnd(async () => void (await admin(['delete', 'namespace', name, '--wait=false'])))
  return name
}

/** Contexts and what each shows to the API server, as `users[].user` holds it. */
export type Credentials = Readonly<Record<string, object>>

/** @returns a kubeconfig for the cluster under test, its first context the current one. */
export function kubeconfigText(credentials: Credentials, namespace: string): string {
  const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as Kubeconfig
  const context = config.contexts.find(({ name }) => name === config['current-context'])
  const server = config.clusters.find(({ name }) => name === context?.context.cluster)
  const names = Object.keys(credentials)
  return stringify(
    {
      'apiVersion': 'v1',
      'kind': 'Config',
      'clusters': [{ name: 'test', cluster: server?.cluster }],
      'users': names.map((name) => ({ name, user: credentials[name] })),
      'contexts': names.map((name) => ({ name, context: { cluster: 'test', user: name, namespace } })),
      'current-context': names[0],
    },
    { lineWidth: 0 },
  )
}

interface Kubeconfig {
  readonly 'current-context': string
  readonly 'contexts': readonly { name: string; context: { cluster: string } }[]
  readonly 'clusters': readonly { name: string; cluster: object }[]
}

export interface ClusterHomeOptions {
  readonly namespace: string
  readonly credentials: Credentials
  readonly kubectl?: string
  readonly account?: Account
}

/** A home whose kubeconfig leads to the cluster under test, in plain text still: `await home.init()` adopts it. */
export function clusterHome({ namespace, credentials, ...options }: ClusterHomeOptions): TestHome {
  const home = makeHome({ kubectl: newest, ...options })
  writePolicy(home, { idle: '10m' })
  writeFileSync(home.kubeconfig, kubeconfigText(credentials, namespace), { mode: 0o600 })
  return home
}
