import { noteBefore } from '../platform/before.ts'
import { maskSecrets } from '../platform/kubeconfig/mask-secrets.ts'
import { sealAllPending } from '../platform/vault/seal-pending.ts'
import type { LoadedFile } from './load-files.ts'
import type { AdoptionPlan } from './adoption-plan.ts'
import { noteReplaced } from './replaced-log-ins.ts'
import { keepClientSecret } from './take-log-in-over.ts'

/** Everything that the files are about to lose is kept elsewhere, durably, when this returns. */
export async function keepBeforeWriting(vaultsDir: string, plan: AdoptionPlan): Promise<void> {
  await sealAllPending(vaultsDir, plan.items)
  for (const { secretFile, known } of plan.replaced) keepClientSecret(secretFile, known)
  await noteReplaced(
    plan.replaced.map(({ policy, file, user, contexts, original }) => ({
      policy,
      file,
      user,
      contexts,
      original,
    })),
  )
}

/** How kubeconfigs are before their secrets are moved, for `uninstall` to compare with. */
export function noteKubeconfigs(files: readonly LoadedFile[]): void {
  noteBefore(
    files.map(({ config, snapshot: { real: path, mode } }) => ({
      path,
      kind: 'kubeconfig',
      mode,
      text: () => maskSecrets(config),
    })),
  )
}
