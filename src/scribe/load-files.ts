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
 * @throws GuardError kubeconfig-invalid
 */
export async function loadFiles(paths: readonly string[]): Promise<LoadedFile[]> {
  const files = new Map<string, LoadedFile>()
  for (const path of paths) {
    clearLeftBehind(path)
    const snapshot = await readKubeconfig(path)
    if (snapshot === undefined || files.has(snapshot.real)) continue
    files.set(snapshot.real, { snapshot, config: parseKubeconfig(path, snapshot.text) })
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
  const first = files.find(({ config }) => config.users.some(({ name }) => name === user.name))
  const reaching = first === file ? files : [file]
  return reaching.flatMap((other) =>
    other.config.contexts
      .filter((context) => context.user === user.name)
      .map((context) => ({ file: other, context })),
  )
}

export function namesOf(places: readonly ContextPlace[]): string[] {
  return [...new Set(places.map(({ context }) => context.name))]
}
