import { clearLeftBehind } from '../platform/kubeconfig/clear-left-behind.ts'
import { parseKubeconfig } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { ContextEntry, Kubeconfig, UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { readKubeconfig } from '../platform/kubeconfig/read-kubeconfig.ts'
import type { Snapshot } from '../platform/kubeconfig/read-kubeconfig.ts'

export interface LoadedFile {
  readonly snapshot: Snapshot
  readonly config: Kubeconfig
}

/**
 * Reads kubeconfigs in order. Missing ones are left out, as kubectl does, and a file that two names
 * lead to is taken once. What a killed run left beside them is cleared away.
 *
 * @param known what this job wrote itself, by real path: not parsed again while it is what the file holds
 * @throws GuardError kubeconfig-invalid
 */
export async function loadFiles(
  paths: readonly string[],
  known: ReadonlyMap<string, Kubeconfig> = new Map(),
): Promise<LoadedFile[]> {
  const files = new Map<string, LoadedFile>()
  for (const path of paths) {
    clearLeftBehind(path)
    const snapshot = await readKubeconfig(path)
    if (snapshot === undefined || files.has(snapshot.real)) continue
    const written = known.get(snapshot.real)
    const isKnown = written?.path === path && written.text === snapshot.text
    files.set(snapshot.real, { snapshot, config: isKnown ? written : parseKubeconfig(path, snapshot.text) })
  }
  return [...files.values()]
}

export interface ContextPlace {
  readonly file: LoadedFile
  readonly context: ContextEntry
}

/**
 * The contexts that lead to a user entry. The first definition of a name wins, so contexts of every file
 * lead to that one; a later definition counts only where its own file is used alone.
 */
export function contextsOf(files: readonly LoadedFile[], file: LoadedFile, user: UserEntry): ContextPlace[] {
  const first = files.find(({ config }) => indexOf(config).users.has(user.name))
  const reaching = first === file ? files : [file]
  return reaching.flatMap((other) =>
    (indexOf(other.config).contexts.get(user.name) ?? []).map((context) => ({ file: other, context })),
  )
}

interface Index {
  readonly users: ReadonlySet<string>
  /** By the user that they lead to. */
  readonly contexts: ReadonlyMap<string, readonly ContextEntry[]>
}

const indexes = new WeakMap<Kubeconfig, Index>()

/** Names are looked up once for each user: a file of thousands must not be read thousands of times. */
function indexOf(config: Kubeconfig): Index {
  const known = indexes.get(config)
  if (known !== undefined) return known
  const users = new Set(config.users.map(({ name }) => name))
  const index = { users, contexts: Map.groupBy(config.contexts, ({ user }) => user) }
  indexes.set(config, index)
  return index
}

export function namesOf(places: readonly ContextPlace[]): string[] {
  return [...new Set(places.map(({ context }) => context.name))]
}
