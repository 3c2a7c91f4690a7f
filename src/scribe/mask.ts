import { GuardError } from '../domain/errors.ts'
import { maskSecrets } from '../platform/kubeconfig/mask-secrets.ts'
import { parseKubeconfig } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { readKubeconfig } from '../platform/kubeconfig/read-kubeconfig.ts'
import type { MaskedFile, MaskJob } from '../platform/scribes/job.ts'

/** Job `mask`: the texts of kubeconfigs with the secrets masked. What is missing or no kubeconfig is left out. */
export async function mask({ paths }: MaskJob): Promise<MaskedFile[]> {
  const files = await Promise.all(paths.map(maskFile))
  return files.flatMap((file) => (file === undefined ? [] : [file]))
}

async function maskFile(path: string): Promise<MaskedFile | undefined> {
  try {
    const snapshot = await readKubeconfig(path)
    if (snapshot === undefined) return undefined
    const text = maskSecrets(parseKubeconfig(path, snapshot.text))
    return { path: snapshot.real, mode: snapshot.mode, text }
  } catch (error) {
    if (error instanceof GuardError) return undefined
    throw error
  }
}
