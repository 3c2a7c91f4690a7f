import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe } from 'vitest'
import { cluster, kubectls } from './fixture.ts'
import { apiServerArguments, freePort, isReady } from './harness/control-plane.ts'
import { ClusterProcess } from './harness/process.ts'

/** A suite that starts API servers of its own: reported as skipped on a cluster that is not ours. */
export const describeWithApiServers = cluster.staticToken === undefined ? describe.skip : describe

/** Where the cluster’s own etcd, keys and authority are. */
const folder = dirname(cluster.kubeconfig)

export interface ApiServer {
  readonly url: string
  readonly caPem: string
  stop(): Promise<void>
}

/**
 * A second API server of the same cluster: the same objects, other flags.
 *
 * @param flags instead of, and beside, those that the first has; a name with `undefined` is left out
 */
export async function startApiServer(
  flags: Readonly<Record<string, string | undefined>>,
): Promise<ApiServer> {
  const port = await freePort()
  const name = `apiserver-${randomBytes(3).toString('hex')}`
  const usual = apiServerArguments(folder, port).filter((argument) => !(nameOf(argument) in flags))
  const more = Object.entries(flags).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}=${value}`],
  )
  const program = join(dirname(kubectls[0]?.path ?? ''), 'kube-apiserver')
  const started = new ClusterProcess(folder, name, [program, ...usual, ...more])
  const stop = (): Promise<void> => started.stop('SIGKILL')
  try {
    await started.ready(() => isReady(folder, port))
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `https://127.0.0.1:${port}`, caPem: readFileSync(join(folder, 'ca.crt'), 'utf8'), stop }
}

const nameOf = (argument: string): string => /^--([a-z0-9-]+)/.exec(argument)?.[1] ?? ''
