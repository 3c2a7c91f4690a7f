import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildKubernetes } from './build.ts'
import { makeCertificates } from './certificates.ts'
import { startControlPlane } from './control-plane.ts'
import { ownRun, sweepLeftBehind } from './left-behind.ts'
import { nodeRefusal, nodeName, startNode } from './node.ts'
import { unpackPackages } from './packages.ts'

export interface Cluster {
  /** A kubeconfig with every right. */
  readonly kubeconfig: string
  readonly staticToken: string
  /** Why there are no pods on this machine; undefined where there are. */
  readonly noPods: string | undefined
  down(): Promise<void>
}

/**
 * Brings a cluster up on loopback, in a folder of its own.
 * @throws Error with what refused, where not even a control plane is to be had.
 */
export async function bringUp(say: (text: string) => void): Promise<Cluster> {
  await sweepLeftBehind()
  const packages = unpackPackages(say)
  const kubernetes = await buildKubernetes(say)
  const folder = mkdtempSync(join(tmpdir(), 'kg-cluster-'))
  ownRun(folder)
  const startedAt = performance.now()
  makeCertificates(folder, nodeName)
  const programs = { ...packages, kubernetes }
  const { processes: control, ...plane } = await startControlPlane(folder, programs)
  const processes = [...control]
  let noPods = nodeRefusal()
  if (noPods === undefined) {
    try {
      processes.unshift(await startNode(folder, programs))
    } catch (error) {
      noPods = (error as Error).message
    }
  }
  say(
    `up in ${((performance.now() - startedAt) / 1000).toFixed(1)} s${noPods === undefined ? '' : `, without pods: ${noPods}`}`,
  )
  return {
    kubeconfig: join(folder, 'admin.kubeconfig'),
    staticToken: plane.staticToken,
    noPods,
    async down() {
      for (const process of processes) await process.stop('SIGKILL')
      await sweepLeftBehind(folder)
    },
  }
}
