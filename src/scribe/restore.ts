import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { GuardError } from '../domain/errors.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { editKubeconfig } from '../platform/kubeconfig/edit-kubeconfig.ts'
import type { Edit } from '../platform/kubeconfig/edit-kubeconfig.ts'
import { writeNewKubeconfig } from '../platform/kubeconfig/write-new-kubeconfig.ts'
import { replaceKubeconfig } from '../platform/kubeconfig/replace-kubeconfig.ts'
import type { RestoredItem, RestoreJob } from '../platform/scribes/job.ts'
import { syncFolder } from '../platform/own-files.ts'
import { parseItem } from '../platform/vault/item.ts'
import { loadFiles } from './load-files.ts'
import type { LoadedFile } from './load-files.ts'
import { parseOriginal } from './original.ts'
import type { Split } from './original.ts'
import { findItem, joiningEdits, namesItem, restoringEdits, userOf } from './plan-restore.ts'
import type { Restoration } from './plan-restore.ts'
import { takeOut } from './wipe-materialised.ts'

/** Rounds: each begins anew because a file was changed by someone else, or has another step to make. */
const mostRounds = 20

/**
 * How long after our write a kubectl that had read the file before may still write it back as it was
 * (it takes about 60 ms from read to write): the items leave the vault only when that is past.
 */
const aftermathMs = 250

/**
 * Job `restore`: puts users back as they were, secrets included, and joins split users again. Each file
 * is replaced whole; an item whose answer is not ok was not put back and must stay in the vault.
 *
 * @throws GuardError internal for items that this version can't read
 */
export async function restore({ items, ...where }: RestoreJob): Promise<RestoredItem[]> {
  return restoreAll(items.map(readItem), where)
}

/** @throws GuardError where a new file can't be made */
export async function restoreAll(
  restorations: readonly Restoration[],
  job: Pick<RestoreJob, 'paths' | 'to'>,
): Promise<RestoredItem[]> {
  // In an open session a credential may be in its file already, for a while: it would be in the way.
  await takeOut(new Set(restorations.map(({ item }) => item.id)))
  const failures = new Map<string, GuardError>()
  for (const group of groupsByFile(restorations)) {
    try {
      await restoreGroup(group, job.paths ?? [], failures)
    } catch (error) {
      if (!(error instanceof GuardError)) throw error
      for (const { item } of group) failures.set(keyOf(item), failures.get(keyOf(item)) ?? error)
    }
  }
  const homeless = restorations.filter(({ item }) => failures.get(keyOf(item))?.code === 'credential-unknown')
  const { to } = job
  if (to === undefined || homeless.length === 0)
    return restorations.map(({ item }) => resultOf(item, failures.get(keyOf(item))))
  // Users that have no place any more go into a file of their own.
  await writeNewKubeconfig(to, homeless.map(userOf))
  return restorations.map((restoration) => {
    const { item } = restoration
    return homeless.includes(restoration)
      ? { id: item.id, ok: true, file: to, user: item.user }
      : resultOf(item, failures.get(keyOf(item)))
  })
}

/** What can't be restored in one file is no reason to keep back another's. */
function groupsByFile(restorations: readonly Restoration[]): Restoration[][] {
  return [...Map.groupBy(restorations, ({ item }) => item.file).values()]
}

async function restoreGroup(
  group: readonly Restoration[],
  paths: readonly string[],
  failures: Map<string, GuardError>,
): Promise<void> {
  const splits = splitsOf(group)
  const named = group.flatMap(({ original }) => [original.path, ...(original.split?.files ?? [])])
  const wanted = [...new Set([...named, ...group.map(({ item }) => item.file), ...paths])]
  const restored = new Set<Restoration>()
  let wroteAt = Number.NEGATIVE_INFINITY
  for (let round = 0; round < mostRounds; round += 1) {
    const files = await loadFiles(wanted)
    noteFailures(files, group, restored, failures)
    if (await takeStep(files, group, splits, restored)) wroteAt = performance.now()
    else if (performance.now() - wroteAt > aftermathMs) return makeDurable(files)
    else await delay(aftermathMs)
  }
  throw new GuardError('kubeconfig-busy', `${group[0]?.item.file ?? 'a kubeconfig'} keeps changing`, {
    cure: 'wait until the program that writes it is done, then try again',
  })
}

/** What an interrupted run put back may not be durable yet, and is about to leave the vault. */
function makeDurable(files: readonly LoadedFile[]): void {
  for (const folder of new Set(files.map(({ snapshot }) => dirname(snapshot.real)))) syncFolder(folder)
}

/** @returns false when there is nothing left to do */
async function takeStep(
  files: readonly LoadedFile[],
  group: readonly Restoration[],
  splits: readonly Split[],
  restored: Set<Restoration>,
): Promise<boolean> {
  const restoring = new Map(files.map((file) => [file, restoringEdits(file, group)]))
  const step = await applyAll(restoring)
  for (const file of step.replaced)
    group.filter((one) => namesItem(file, one)).forEach((one) => restored.add(one))
  if (step.wanted) return true
  for (const split of splits) if (await join(files, split)) return true
  return false
}

/** Parts that can't be joined safely stay apart: they mean the same. */
async function join(files: readonly LoadedFile[], split: Split): Promise<boolean> {
  try {
    return (await applyAll(joiningEdits(files, split))).wanted
  } catch (error) {
    if (error instanceof GuardError && error.code === 'kubeconfig-invalid') return false
    throw error
  }
}

/** A file that was not replaced had changed: the next round looks at it again. */
async function applyAll(
  edits: ReadonlyMap<LoadedFile, readonly Edit[]>,
): Promise<{ wanted: boolean; replaced: LoadedFile[] }> {
  const wanted = [...edits].filter(([, list]) => list.length > 0)
  const texts = wanted.map(([file, list]) => ({ file, text: editKubeconfig(file.config, list) }))
  const replaced: LoadedFile[] = []
  for (const { file, text } of texts) if (await replaceKubeconfig(file.snapshot, text)) replaced.push(file)
  return { wanted: wanted.length > 0, replaced }
}

function noteFailures(
  files: readonly LoadedFile[],
  group: readonly Restoration[],
  restored: ReadonlySet<Restoration>,
  failures: Map<string, GuardError>,
): void {
  for (const restoration of group) {
    const found = findItem(files, restoration)
    if (typeof found === 'object' && !restored.has(restoration))
      failures.set(keyOf(restoration.item), found.failure)
    else failures.delete(keyOf(restoration.item))
  }
}

function splitsOf(group: readonly Restoration[]): Split[] {
  const splits = new Map<string, Split>()
  for (const { original } of group)
    if (original.split !== undefined) splits.set(original.split.base, original.split)
  return [...splits.values()]
}

/** What a log-in gives has one id for many users. */
const keyOf = ({ id, file, user }: Restoration['item']): string => JSON.stringify([id, file, user])

/** @throws GuardError vault-newer for what this version can’t read */
export function readItem(value: unknown): Restoration {
  const item = parseItem(value)
  const original = parseOriginal(item?.original)
  if (item === undefined || original === undefined) {
    throw new GuardError('vault-newer', 'the vault holds a credential that this version can’t put back')
  }
  return { item, original }
}

function resultOf(item: Restoration['item'], failure: GuardError | undefined): RestoredItem {
  const { id, file, user } = item
  if (failure === undefined) return { id, ok: true, file, user }
  const { code, message, cure } = failure as { code: ErrorCode; message: string; cure: string }
  return { id, ok: false, file, user, code, message, cure }
}
