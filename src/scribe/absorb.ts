import { setTimeout as delay } from 'node:timers/promises'
import { GuardError } from '../domain/errors.ts'
import { dirs, places } from '../platform/dirs.ts'
import type { Kubeconfig } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { readKubeconfig } from '../platform/kubeconfig/read-kubeconfig.ts'
import { replaceKubeconfig } from '../platform/kubeconfig/replace-kubeconfig.ts'
import { stampOf } from '../platform/scribes/file-identity.ts'
import type { AbsorbJob } from '../platform/scribes/job.ts'
import { createVaultCatalogue } from '../platform/vault-catalogue.ts'
import type { AbsorbedFile, AbsorbReport, AdoptedUser } from '../protocol/reports.ts'
import { AbsorbPlacement } from './absorb-placement.ts'
import { changesOf, mostRounds } from './adopt.ts'
import { gatewaysOf } from './gateways.ts'
import { keepBeforeWriting } from './keep-before-writing.ts'
import { loadFiles } from './load-files.ts'
import type { LoadedFile } from './load-files.ts'
import { allMaterialised, Materialised } from './materialised-fields.ts'
import { planAdoption } from './plan-adoption.ts'

/** A file that was written this recently may be written again without a change of its times. */
const settledAfterMs = 50

/**
 * Job `absorb`: adopts what other programs have written into kubeconfigs that are adopted already, as
 * `adopt` does, locked or not. What can't be read, or may not be touched, is left as it is and told.
 *
 * @throws GuardError kubeconfig-invalid, kubeconfig-busy and what sealing throws
 */
export async function absorb(job: AbsorbJob): Promise<AbsorbReport> {
  const vaultsDir = places.vaults(dirs())
  const catalogue = createVaultCatalogue(vaultsDir)
  const gateways = await gatewaysOf(job.policies, vaultsDir)
  const absorbed = new Map<string, AdoptedUser>()
  const written = new Map<string, Kubeconfig>()
  for (let round = 0; round < mostRounds; round += 1) {
    // Looked at before the files as well: what a lock takes out of them meanwhile is forgotten only then.
    const before = allMaterialised()
    const { files, failed } = await loadReadable(job.paths, written)
    const materialised = new Materialised([...before, ...allMaterialised()])
    const placement = new AbsorbPlacement(job, files, { catalogue, materialised })
    const plan = planAdoption(files, job, Date.now(), { placement, materialised, gateways })
    const changes = changesOf(plan)
    if (changes.length === 0) {
      const unguarded = [...placement.unguarded, ...plan.left.flatMap((user) => placement.unadopted(user))]
      const settled = await settle(files)
      if (settled !== undefined)
        return { files: [...settled, ...failed], absorbed: [...absorbed.values()], unguarded }
      continue
    }
    await keepBeforeWriting(vaultsDir, plan)
    for (const change of changes) {
      if (!(await replaceKubeconfig(change.file.snapshot, change.text))) break
      written.set(change.file.snapshot.real, change.edited)
      for (const { file, report } of plan.adopted)
        if (file === change.file) absorbed.set(`${report.credential} ${report.user}`, report)
    }
  }
  throw new GuardError('kubeconfig-busy', 'a kubeconfig keeps changing', {
    cure: 'end the program that keeps writing it',
  })
}

/** One file that is broken, or half written, keeps nothing from being sealed in the others. */
async function loadReadable(
  paths: readonly string[],
  written: ReadonlyMap<string, Kubeconfig>,
): Promise<{ files: LoadedFile[]; failed: AbsorbedFile[] }> {
  const files: LoadedFile[] = []
  const failed: AbsorbedFile[] = []
  for (const path of paths) {
    try {
      const loaded = await loadFiles([path], written)
      files.push(
        ...loaded.filter(({ snapshot }) => !files.some((file) => file.snapshot.real === snapshot.real)),
      )
    } catch (error) {
      if (!(error instanceof GuardError)) throw error
      failed.push({ path, problem: error.message })
    }
  }
  return { files, failed }
}

/** @returns undefined where a file was written since it was read: it is to be looked at again. */
async function settle(files: readonly LoadedFile[]): Promise<AbsorbedFile[] | undefined> {
  const writtenAtMs = Math.max(0, ...files.map(({ snapshot }) => changedAtMs(snapshot.identity.changedNs)))
  await delay(Math.max(0, Math.min(settledAfterMs, writtenAtMs + settledAfterMs - Date.now())))
  const settled: AbsorbedFile[] = []
  for (const { snapshot } of files) {
    const { path, real } = snapshot
    const now = await readKubeconfig(path).catch(() => undefined)
    if (now === undefined || !now.bytes.equals(snapshot.bytes)) return undefined
    settled.push({ path, real, stamp: stampOf(now.identity) })
  }
  return settled
}

const changedAtMs = (changedNs: string): number => Number(BigInt(changedNs) / 1_000_000n)
