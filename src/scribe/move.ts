import { GuardError } from '../domain/errors.ts'
import { dirs, places } from '../platform/dirs.ts'
import { editKubeconfig } from '../platform/kubeconfig/edit-kubeconfig.ts'
import { replaceKubeconfig } from '../platform/kubeconfig/replace-kubeconfig.ts'
import type { MoveJob, RestoredItem } from '../platform/scribes/job.ts'
import { ensureGatewayPlace } from '../platform/vault/gateway-identity.ts'
import { sealAllPending } from '../platform/vault/seal-pending.ts'
import { loadFiles } from './load-files.ts'
import { editsOf, moveOf } from './plan-moves.ts'
import type { AbleMove, WantedAccess } from './plan-moves.ts'
import type { Restoration } from './plan-restore.ts'
import { readItem } from './restore.ts'

/** Rounds: each begins anew because a file was changed by someone else. */
const mostRounds = 20

/**
 * Job `move`: takes adopted users behind their policy’s gateway, or out from behind it. What is sealed changes first, durably,
 * and then the file, whole: after a kill in between nobody is served in a way that the policy does not want, `eject` finds its
 * way, and the same once more ends it.
 *
 * @returns those that were not as the policy wants them
 * @throws GuardError kubeconfig-busy, kubeconfig-invalid and what sealing throws
 */
export async function move({ items, policy, access, paths }: MoveJob): Promise<RestoredItem[]> {
  const vaultsDir = places.vaults(dirs())
  const wanted: WantedAccess =
    access === 'plugin'
      ? { policy, access }
      : { policy, access, place: await ensureGatewayPlace(vaultsDir, policy) }
  const held = new Map(items.map(readItem).map((one) => [one.item.id, one]))
  const named = [...paths, ...[...held.values()].map(({ item }) => item.file)]
  const results = new Map<string, RestoredItem>()
  for (let round = 0; round < mostRounds; round += 1) {
    const files = await loadFiles([...new Set(named)])
    const moves = [...held.values()].flatMap((one) => moveOf(files, one, wanted, Date.now()) ?? [])
    for (const one of moves) results.set(one.item.id, 'problem' in one ? failed(one) : done(one.item))
    const able = moves.filter((one): one is AbleMove => !('problem' in one))
    if (able.length === 0) return [...results.values()]
    const sealed = able.flatMap((one) => one.sealed ?? [])
    await sealAllPending(vaultsDir, sealed)
    for (const item of sealed) held.set(item.id, { item, original: item.original } as Restoration)
    for (const [file, own] of Map.groupBy(able, (one) => one.file)) {
      const edits = editsOf(
        file,
        own.map(({ way }) => way),
      )
      if (edits.length === 0) continue
      if (!(await replaceKubeconfig(file.snapshot, editKubeconfig(file.config, edits)))) break
    }
  }
  throw new GuardError('kubeconfig-busy', 'a kubeconfig keeps changing', {
    cure: 'wait until the program that writes it is done, then try again',
  })
}

const done = ({ id, file, user }: Restoration['item']): RestoredItem => ({ id, ok: true, file, user })

function failed({
  item: { id, file, user },
  problem,
}: {
  readonly item: Restoration['item']
  readonly problem: string
}): RestoredItem {
  const cure = `set that right; or run: kubeguard eject --user ${user}, look at its cluster, then: kubeguard adopt`
  return { id, ok: false, file, user, code: 'kubeconfig-invalid', message: problem, cure }
}
