import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { fetchBinaries, fetchOlderKubectl, toolsFolder } from '../../scripts/test-tools.mjs'
import { kubernetesFolder } from './harness/build.ts'
import { bringUp } from './harness/cluster.ts'
import type { Cluster } from './harness/cluster.ts'
import { image } from './harness/images.ts'
import { siegePods } from './siege-pods.ts'

/** What the suites are told of the cluster they run on. */
export interface ClusterUnderTest {
  /** A kubeconfig with every right. */
  readonly kubeconfig: string
  /** Why nothing can run in a pod here; undefined where it can. */
  readonly noPods: string | undefined
  /** An image with busybox. */
  readonly image: string
  /** A token of the API server's token file, where that is ours. */
  readonly staticToken: string | undefined
  /** Folders with a real kubectl each, the newest first. */
  readonly kubectls: readonly string[]
}

declare module 'vitest' {
  export interface ProvidedContext {
    cluster: ClusterUnderTest
  }
}

const say = (text: string): void => console.error(`cluster: ${text}`)

let own: Cluster | undefined

/** `KUBEGUARD_TEST_KUBECONFIG` names a cluster; else one is brought up. */
export async function setup(project: TestProject): Promise<void> {
  const { KUBEGUARD_TEST_KUBECONFIG: named = '', KUBEGUARD_TEST_IMAGE: theirImage = 'busybox:1.37' } =
    process.env
  if (named !== '') {
    const rest = { noPods: undefined, image: theirImage, staticToken: undefined }
    return project.provide('cluster', { kubeconfig: named, ...rest, kubectls: kubectls() })
  }
  own = await bringUp(say)
  const { kubeconfig, noPods, staticToken } = own
  return project.provide('cluster', { kubeconfig, noPods, image, staticToken, kubectls: kubectls() })
}

export async function teardown(): Promise<void> {
  if (own === undefined) removeSiegePods()
  await own?.down()
}

function removeSiegePods(): void {
  const [folder = ''] = kubectls()
  const options = ['--namespace=default', '--ignore-not-found', '--wait=false']
  spawnSync(join(folder, 'kubectl'), ['delete', 'pod', ...siegePods, ...options], {
    env: { KUBECONFIG: process.env['KUBEGUARD_TEST_KUBECONFIG'] },
    stdio: 'ignore',
  })
}

/** The newest there is, built with the cluster or else fetched, and one from three minors before it. */
function kubectls(): string[] {
  fetchBinaries()
  const built = kubernetesFolder()
  return existsSync(join(built, 'kubectl'))
    ? [built, fetchOlderKubectl('1.34')]
    : [toolsFolder(), fetchOlderKubectl('1.32')]
}
