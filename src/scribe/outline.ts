import { GuardError } from '../domain/errors.ts'
import { clearLeftBehind } from '../platform/kubeconfig/clear-left-behind.ts'
import { outlineOf } from '../platform/kubeconfig/outline-kubeconfig.ts'
import { parseKubeconfig } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { readKubeconfig } from '../platform/kubeconfig/read-kubeconfig.ts'
import type { Snapshot } from '../platform/kubeconfig/read-kubeconfig.ts'
import type { OutlinedFile, OutlineJob } from '../platform/scribes/job.ts'

/** A file that was written this recently may be written again without a change of its times. */
const settledAfterMs = 50

/** Job `outline`: contexts, clusters, users and their kinds, no secrets. */
export async function outline(job: OutlineJob): Promise<OutlinedFile[]> {
  return Promise.all(job.paths.map(outlineFile))
}

async function outlineFile(path: string): Promise<OutlinedFile> {
  let identity: Pick<OutlinedFile, 'identity'> = {}
  try {
    clearLeftBehind(path)
    const snapshot = await readKubeconfig(path)
    if (snapshot === undefined) return { path }
    identity = settledIdentity(snapshot)
    return { path, outline: outlineOf(parseKubeconfig(path, snapshot.text), snapshot.real), ...identity }
  } catch (error) {
    if (!(error instanceof GuardError)) throw error
    return { path, failure: { code: error.code, message: error.message, cure: error.cure }, ...identity }
  }
}

function settledIdentity({ identity }: Snapshot): Pick<OutlinedFile, 'identity'> {
  const writtenMs = Number(BigInt(identity.changedNs) / 1_000_000n)
  return Date.now() - writtenMs > settledAfterMs ? { identity } : {}
}
