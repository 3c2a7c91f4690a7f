import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { GuardError } from '../domain/errors.ts'
import type { MaterialisedUser } from '../domain/materialised.ts'
import { dirs, places } from '../platform/dirs.ts'
import { classifyUser } from '../platform/kubeconfig/classify-user.ts'
import { editKubeconfig } from '../platform/kubeconfig/edit-kubeconfig.ts'
import type { Edit } from '../platform/kubeconfig/edit-kubeconfig.ts'
import { fieldValue } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { replaceKubeconfig } from '../platform/kubeconfig/replace-kubeconfig.ts'
import { prctl, prctlOption } from '../platform/libc.ts'
import type { MaterialiseJob } from '../platform/scribes/job.ts'
import { readTrace, tracePath, withTraces, writeTrace } from '../platform/traces.ts'
import { parseItem } from '../platform/vault/item.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { MaterialiseReport } from '../protocol/reports.ts'
import { loadFiles } from './load-files.ts'
import type { LoadedFile } from './load-files.ts'
import { digestsOf, fieldsOf, Materialised } from './materialised-fields.ts'
import { parseOriginal } from './original.ts'

/** Rounds: each begins anew because the file was changed by someone else. */
const mostRounds = 20

/** Mode bits: nobody else may see what is put into the file. */
const othersBits = 0o077

type Failure = MaterialiseReport['failed'][number]

/**
 * Job `materialise`: puts credentials beside the exec entries that name them, for as long as the session of this
 * trace is open. The trace knows of it, durably, before any file does. Whoever ends the session takes the trace
 * away, under the same lock: after that nothing is written any more.
 *
 * @throws GuardError locked, disk-full, and what reading a trace throws
 */
export async function materialise({ trace: id, items }: MaterialiseJob): Promise<MaterialiseReport> {
  const folder = places.traces(dirs())
  // A lock ends the keeper, and with it us: the sweep that follows need not wait.
  prctl(prctlOption.setPdeathsig, constants.signals.SIGKILL)
  const wanted = items.flatMap((value) => parseItem(value) ?? [])
  return withTraces(folder, async () => {
    const trace = existsSync(tracePath(folder, id)) ? readTrace(folder, id) : undefined
    if (trace === undefined || trace.isClosed === true)
      throw new GuardError('locked', 'the session was locked meanwhile')
    const noted = [...trace.materialised]
    const note = (users: readonly MaterialisedUser[]): void => {
      noted.push(...users)
      writeTrace(folder, id, { ...trace, materialised: noted })
    }
    const failed: Failure[] = []
    for (const [file, group] of Map.groupBy(wanted, (item) => item.file))
      failed.push(...(await materialiseFile(file, group, note)))
    const isFailed = (item: VaultItem): boolean =>
      failed.some(({ user, file }) => user === item.user && file === item.file)
    const done = wanted.filter((item) => !isFailed(item)).map(({ user, file }) => ({ user, file }))
    return { materialised: done, failed }
  })
}

/** @returns what could not be put there */
async function materialiseFile(
  path: string,
  items: readonly VaultItem[],
  note: (users: readonly MaterialisedUser[]) => void,
): Promise<Failure[]> {
  try {
    const salt = randomBytes(16).toString('hex')
    let known: MaterialisedUser[] | undefined
    for (let round = 0; round < mostRounds; round += 1) {
      const { file, entries, failed } = await findEntries(path, items)
      if (known === undefined) {
        known = entries.map((entry) => noteOf(salt, file, entry))
        if (known.length > 0) note(known)
      }
      const edits = editsFor(file, entries, new Materialised(known), failed)
      if (edits.length === 0) return failed
      if (await replaceKubeconfig(file.snapshot, editKubeconfig(file.config, edits))) return failed
    }
    throw new GuardError('kubeconfig-busy', `${path} keeps changing`)
  } catch (error) {
    return items.map((item) => failureOf(item, error))
  }
}

interface Entry {
  readonly item: VaultItem
  readonly user: UserEntry
}

/** @throws GuardError credential-unknown where the file is gone, kubeconfig-invalid */
async function findEntries(
  path: string,
  items: readonly VaultItem[],
): Promise<{ file: LoadedFile; entries: Entry[]; failed: Failure[] }> {
  const named = items.flatMap(({ original }) => parseOriginal(original)?.path ?? [])
  const files = await loadFiles([...new Set([...named, path])])
  const file = files.find(({ snapshot }) => snapshot.real === path)
  if (file === undefined) throw new GuardError('credential-unknown', `${path} is not there any more`)
  refuseOpenFile(file)
  const users = Map.groupBy(
    file.config.users,
    (user) => classifyUser(file.config, user).ours?.credential ?? '',
  )
  const entries = items.flatMap((item) => (users.get(item.id) ?? []).map((user) => ({ item, user })))
  const failed = items
    .filter(({ id }) => !users.has(id))
    .map((item) =>
      failureOf(
        item,
        new GuardError('credential-unknown', `no user of ${path} names the credential ${item.id}`),
      ),
    )
  return { file, entries, failed }
}

function refuseOpenFile({ snapshot }: LoadedFile): void {
  if (snapshot.uid === process.getuid?.() && (snapshot.mode & othersBits) === 0) return
  throw new GuardError('kubeconfig-invalid', `${snapshot.path} is open to other accounts`, {
    cure: `run: chmod 600 ${snapshot.path}, then lock and unlock`,
  })
}

const noteOf = (salt: string, { config, snapshot }: LoadedFile, { item, user }: Entry): MaterialisedUser => ({
  path: config.path,
  file: snapshot.real,
  user: user.name,
  credential: item.id,
  exec: fieldValue(config, user, 'exec'),
  salt,
  digests: digestsOf(salt, fieldsOf(item)),
})

/** A secret that another program has put beside our entry is not touched, and wins. */
function editsFor(
  { config, snapshot }: LoadedFile,
  entries: readonly Entry[],
  known: Materialised,
  failed: Failure[],
): Edit[] {
  return entries.flatMap(({ item, user }): Edit[] => {
    if (known.has(config, user)) return []
    const { kind, hasPassword } = classifyUser(config, user)
    if (kind === 'ours' && !hasPassword)
      return [{ edit: 'add-fields', user, beside: 'exec', fields: fieldsOf(item) }]
    const wrong = `user ${user.name} of ${snapshot.path} has a secret of its own`
    const cure = 'run: kubeguard adopt, then lock and unlock'
    failed.push(failureOf(item, new GuardError('kubeconfig-invalid', wrong, { cure })))
    return []
  })
}

/** @throws what is no GuardError */
function failureOf({ user, file }: VaultItem, error: unknown): Failure {
  if (!(error instanceof GuardError)) throw error
  return { user, file, message: error.message, cure: error.cure }
}
